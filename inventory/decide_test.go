package inventory

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"bisc/internal/host"
)

// config answers as ssh -G does, from a table of names.
func sshG(answers map[string]map[string][]string) Resolver {
	return func(_ context.Context, file, name string) (map[string][]string, error) {
		a, ok := answers[strings.TrimPrefix(file+" "+name, " ")]
		if !ok {
			return nil, errors.New("not asked in this test: " + file + " " + name)
		}
		return a, nil
	}
}

func decided(t *testing.T, inv *Inventory, name string, ask Resolver) Decision {
	t.Helper()
	d, err := Decide(t.Context(), inv, find(t, inv, name), ask)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func from(d Decision, name string) string {
	for _, s := range d.Settings {
		if s.Name == name {
			return s.Value + " <- " + s.From
		}
	}
	return "not set"
}

func TestDecideDefaults(t *testing.T) {
	t.Setenv("HOME", "/home/op")
	inv := read(t, "host \"a\" {\n  platform = \"linux\"\n}\n")
	d := decided(t, inv, "a", nil)
	want := Decision{
		Host: "a", Platform: host.Linux, Address: "a", Port: 22, User: localUser(), Become: localUser() != "root", ConnectTimeout: 10 * time.Second,
		KnownHosts: []string{"/home/op/.ssh/known_hosts"}, Identities: []string{"/home/op/.ssh/id_ed25519", "/home/op/.ssh/id_ecdsa", "/home/op/.ssh/id_rsa"},
	}
	settings := d.Settings
	d.Settings = nil
	if diff := cmp.Diff(want, d); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, s := range settings {
		if !strings.HasPrefix(s.From, "default") {
			t.Errorf("%s = %s comes from %s", s.Name, s.Value, s.From)
		}
	}
}

func TestDecidePrecedence(t *testing.T) {
	t.Setenv("HOME", "/home/op")
	inv := read(t, `
host "a" {
  platform        = "linux"
  address         = "a.example"
  port            = 2222
  host_key        = "`+pin+`"
  connect_timeout = "3s"
  answer_timeout  = "2m"
}
`)
	d := decided(t, inv, "a", sshG(map[string]map[string][]string{"a.example": {
		"hostname": {"other.example"}, "port": {"22"}, "user": {"rix"}, "connecttimeout": {"60"}, "hostkeyalias": {"alias"},
		"identityfile": {"~/.ssh/one", "%d/%h-%r"}, "userknownhostsfile": {"/home/op/.ssh/known_hosts /home/op/.ssh/known_hosts2"}, "identityagent": {"~/agent"}, "proxyjump": {"none"},
	}}))
	for name, want := range map[string]string{
		"address":         "a.example <- inventory/x.hcl:4",
		"port":            "2222 <- inventory/x.hcl:5",
		"user":            "rix <- ssh_config (ssh -G a.example)",
		"become":          "true <- default",
		"host_key":        pin + " <- inventory/x.hcl:6",
		"host_key_alias":  "alias <- ssh_config (ssh -G a.example)",
		"connect_timeout": "3s <- inventory/x.hcl:7",
		"answer_timeout":  "2m0s <- inventory/x.hcl:8",
		"via":             "none <- default",
	} {
		if got := from(d, name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	if diff := cmp.Diff([]string{"/home/op/.ssh/one", "/home/op/a.example-rix"}, d.Identities); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"/home/op/.ssh/known_hosts", "/home/op/.ssh/known_hosts2"}, d.KnownHosts); diff != "" {
		t.Error(diff)
	}
	if d.AgentSocket != "/home/op/agent" || d.ConnectTimeout != 3*time.Second || d.AnswerTimeout != 2*time.Minute {
		t.Errorf("got %+v", d)
	}
}

func TestDecideTimeoutOfSSHConfigIsInSeconds(t *testing.T) {
	inv := read(t, "host \"a\" {\n  platform = \"linux\"\n}\n")
	if d := decided(t, inv, "a", sshG(map[string]map[string][]string{"a": {"connecttimeout": {"7"}}})); d.ConnectTimeout != 7*time.Second {
		t.Errorf("got %s", d.ConnectTimeout)
	}
}

func TestDecideOwnConfigFile(t *testing.T) {
	inv := read(t, "host \"a\" {\n  platform = \"linux\"\n  ssh_config = \"cfg\"\n}\nhost \"b\" {\n  platform = \"linux\"\n  ssh_config = false\n}\n")
	d := decided(t, inv, "a", sshG(map[string]map[string][]string{"inventory/cfg a": {"user": {"rix"}}}))
	if got, want := from(d, "user"), "rix <- ssh_config (ssh -F inventory/cfg -G a)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	decided(t, inv, "b", func(context.Context, string, string) (map[string][]string, error) {
		t.Error("ssh_config = false, and it was asked")
		return nil, nil
	})
}

func chain(d Decision) string {
	var words []string
	for _, hop := range d.Via {
		words = append(words, hop.User+"@"+hop.Address+":"+number(hop.Port))
	}
	return strings.Join(words, " ")
}

func TestDecideChains(t *testing.T) {
	inv := read(t, `
host "target" {
  platform = "linux"
  via      = ["middle", "last"]
}
host "direct" {
  platform = "linux"
  via      = []
}
host "outer" {
  platform  = "linux"
  jump_only = true
  address   = "192.0.2.1"
  user      = "o"
}
host "middle" {
  platform  = "linux"
  jump_only = true
  via       = host.outer
  user      = "m"
  port      = 2200
}
host "last" {
  platform = "linux"
  user     = "l"
}
host "plain" {
  platform = "linux"
}
host "behind" {
  platform = "linux"
  via      = host.first-hop
}
host "first-hop" {
  platform  = "linux"
  user      = "b"
  jump_only = true
}
`)
	ask := sshG(map[string]map[string][]string{
		"target": {"proxycommand": {"nc %h"}}, "192.0.2.1": {}, "middle": {"proxycommand": {"nc %h"}}, "last": {"proxyjump": {"not-asked"}},
		"behind": {}, "first-hop": {"proxyjump": {"zero"}},
		"direct":      {"proxyjump": {"elsewhere"}, "proxycommand": {"nc %h"}},
		"plain":       {"proxyjump": {"j@first:99,[2001:db8::1]:7,middle"}},
		"first":       {"hostname": {"first.example"}, "user": {"f"}, "port": {"22"}, "proxyjump": {"zero"}},
		"zero":        {"hostname": {"zero.example"}, "user": {"z"}, "port": {"22"}, "proxyjump": {"none"}},
		"2001:db8::1": {"user": {"six"}, "port": {"22"}, "proxyjump": {"not-asked"}},
	})
	for name, want := range map[string]string{
		"behind": "z@zero.example:22 b@first-hop:22",
		"target": "o@192.0.2.1:22 m@middle:2200 l@last:22",
		"direct": "",
		"plain":  "z@zero.example:22 j@first.example:99 six@2001:db8::1:7 m@middle:2200",
		"middle": "o@192.0.2.1:22",
	} {
		d := decided(t, inv, name, ask)
		if got := chain(d); got != want {
			t.Errorf("%s goes by %q, want %q", name, got, want)
		}
		for _, hop := range d.Via {
			if hop.Become && hop.Host != "last" {
				t.Errorf("%s becomes root on the jump host %s", name, hop.Host)
			}
			if hop.ProxyCommand != "" || from(hop, "proxy_command") != "not set" {
				t.Errorf("%s: the hop %s would be dialled by a command", name, hop.Host)
			}
			if len(hop.Via) > 0 {
				t.Errorf("%s: the hop %s has hops of its own", name, hop.Host)
			}
		}
	}
}

func TestDecideProxyCommand(t *testing.T) {
	inv := read(t, "host \"a\" {\n  platform = \"linux\"\n}\nhost \"b\" {\n  platform = \"linux\"\n  via = host.a\n}\n")
	ask := sshG(map[string]map[string][]string{"a": {"proxycommand": {"nc %h %p"}}, "b": {"proxycommand": {"other"}}})
	d := decided(t, inv, "a", ask)
	if d.ProxyCommand != "nc %h %p" || from(d, "proxy_command") != "nc %h %p <- ssh_config (ssh -G a)" {
		t.Errorf("got %q, %s", d.ProxyCommand, from(d, "proxy_command"))
	}
	if d := decided(t, inv, "b", ask); d.ProxyCommand != "" || d.Via[0].ProxyCommand != "nc %h %p" {
		t.Errorf("got %q by %q, want the first hop's command alone", d.ProxyCommand, d.Via[0].ProxyCommand)
	}
}

func TestDecideFaults(t *testing.T) {
	inv := read(t, "host \"a\" {\n  platform = \"linux\"\n}\nhost \"b\" {\n  platform = \"linux\"\n  ssh_config = true\n}\n")
	for _, c := range []struct {
		name, host string
		ask        Resolver
		want       string
	}{
		{"ssh cannot read its files", "a", sshG(nil), "not asked in this test"},
		{"circle", "a", sshG(map[string]map[string][]string{"a": {"proxyjump": {"j"}}, "j": {"proxyjump": {"k"}}, "k": {"proxyjump": {"j"}}}), "circle"},
		{"hop that is an option", "a", sshG(map[string]map[string][]string{"a": {"proxyjump": {"-oX=y"}}}), "starts with -"},
		{"hop with a bad port", "a", sshG(map[string]map[string][]string{"a": {"proxyjump": {"h:99999"}}}), "port"},
		{"address from ssh_config that is an option", "a", sshG(map[string]map[string][]string{"a": {"hostname": {"-oX"}}}), "starts with -"},
		{"no ssh", "b", nil, "inventory/x.hcl:6 wants ssh_config"},
		{"timeout", "a", sshG(map[string]map[string][]string{"a": {"connecttimeout": {"soon"}}}), "not a time"},
	} {
		_, err := Decide(t.Context(), inv, find(t, inv, c.host), c.ask)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
}
