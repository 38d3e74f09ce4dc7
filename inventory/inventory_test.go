package inventory

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"bisc/internal/host"
	"bisc/internal/source"
)

const pin = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

func read(t *testing.T, text string) *Inventory {
	t.Helper()
	inv, diags := Load(source.File{Name: "inventory/x.hcl", Text: []byte(text)})
	if len(diags) > 0 {
		t.Fatal(diags)
	}
	return inv
}

func find(t *testing.T, inv *Inventory, name string) *Host {
	t.Helper()
	h, ok := inv.Lookup(name)
	if !ok {
		t.Fatalf("no host %s", name)
	}
	return h
}

func TestLoadWholeHost(t *testing.T) {
	inv := read(t, `
host "biscayne" {
  platform             = "linux"
  address              = "2001:db8::1"
  user                 = "rix"
  port                 = 2222
  become               = false
  via                  = [host.jump, "jump2"]
  host_key             = ["`+pin+`"]
  known_hosts          = "hosts"
  identity             = ["~/.ssh/id", "/etc/key"]
  agent_key            = "`+pin+`"
  ssh_config           = "config"
  become_password_file = "pw"
  connect_timeout      = "1m"
  answer_timeout       = "2m"
  data = {
    zvol = "tank/solana"
    deep = { a = [1, 2] }
  }
}
host "jump" {
  platform   = "linux"
  jump_only  = true
  ssh_config = true
}
host "jump2" {
  platform            = "linux"
  via                 = []
  become_password_env = "PW"
}
host "sw" {
  platform   = "eos"
  ssh_config = false
}
`)
	yes, no := true, false
	want := []*Host{
		{Name: "biscayne", Platform: host.Linux, Address: "2001:db8::1", User: "rix", Port: 2222, Become: &no, Via: []string{"jump", "jump2"}, HasVia: true,
			HostKeys: []string{pin}, KnownHosts: []string{"inventory/hosts"}, Identities: []string{"~/.ssh/id", "/etc/key"}, AgentKey: pin, SSHConfig: &yes,
			SSHConfigFile: "inventory/config", BecomePasswordFile: "inventory/pw", ConnectTimeout: time.Minute, AnswerTimeout: 2 * time.Minute},
		{Name: "jump", Platform: host.Linux, JumpOnly: true, SSHConfig: &yes},
		{Name: "jump2", Platform: host.Linux, HasVia: true, BecomePasswordEnv: "PW"},
		{Name: "sw", Platform: host.EOS, SSHConfig: &no},
	}
	if diff := cmp.Diff(want, inv.Hosts(), cmpopts.IgnoreFields(Host{}, "Data", "Range", "attrs", "data")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	h := find(t, inv, "biscayne")
	got := h.Value()
	for k, v := range map[string]cty.Value{"name": cty.StringVal("biscayne"), "platform": cty.StringVal("linux"), "address": cty.StringVal("2001:db8::1"), "zvol": cty.StringVal("tank/solana")} {
		if !got.GetAttr(k).RawEquals(v) {
			t.Errorf("%s is %#v", k, got.GetAttr(k))
		}
	}
	if !find(t, inv, "jump").Value().GetAttr("address").IsNull() {
		t.Error("a host without an address has one in plans")
	}
	for key, line := range map[string]int{"zvol": 18, "deep": 19, "address": 4, "name": 2} {
		if got := h.Origin(key).Start.Line; got != line {
			t.Errorf("%s comes from line %d, want %d", key, got, line)
		}
	}
}

func TestLoadFaults(t *testing.T) {
	for _, c := range []struct{ name, attrs, want string }{
		{"option as address", `address = "-o"`, "starts with -"},
		{"empty address", `address = ""`, "empty"},
		{"space in address", "address = \"a b\"", "space"},
		{"new line in address", `address = "a\nb"`, "control character"},
		{"shell in address", `address = "a;rm"`, "cannot be in it"},
		{"direction mark in address", `address = "a\u202eb"`, "cannot be in it"},
		{"bad IPv6", `address = "a:b:c"`, "IPv6"},
		{"port in IPv6", `address = "[::1]:22"`, "port"},
		{"option as user", `user = "-l"`, "starts with -"},
		{"command in user", "user = \"a`b`\"", "cannot be in it"},
		{"port zero", `port = 0`, "1 to 65535"},
		{"port fraction", `port = 1.5`, "whole number"},
		{"port huge", `port = 1e30`, "whole number"},
		{"become word", `become = "sudo"`, "true or false"},
		{"pin of MD5", `host_key = "MD5:aa"`, "fingerprint"},
		{"pin in a tuple of objects", `host_key = [{}]`, "string in quotes"},
		{"pin padded", `agent_key = "` + pin + `="`, "fingerprint"},
		{"key as path", `identity = "-i"`, "not a path"},
		{"NUL in path", `known_hosts = "a\u0000"`, "not a path"},
		{"password given", `become_password_env = "my password"`, "never the password"},
		{"both passwords", "become_password_env = \"A\"\n  become_password_file = \"b\"", "not both"},
		{"no time", `connect_timeout = "-1s"`, "not a time"},
		{"no time to answer", `answer_timeout = "soon"`, "not a time"},
		{"variable", `address = var.x`, "A host is data"},
		{"function", `address = upper("x")`, "may not be called"},
		{"null", `user = null`, "Leave it out"},
		{"via number", `via = 5`, "A jump host is"},
		{"via other thing", `via = var.x`, "A jump host is"},
		{"via twice", `via = ["b", "b"]`, "twice"},
		{"via itself", `via = "a"`, "a -> a"},
		{"via nobody", `via = "bb"`, `Did you mean "b"?`},
		{"power nothing", `power = ["ipmitool", ""]`, "nothing to type"},
		{"console with an escape", `console = "a\u001bb"`, "nothing to type"},
		{"power number", `power = 7`, "string or a list"},
		{"data list", `data = []`, "ata is an object"},
		{"data reserved", `data = { platform = 1 }`, "another name"},
		{"unknown attribute", `adress = "x"`, `Did you mean "address"?`},
		{"block", "data {\n  }", "no blocks"},
	} {
		text := "host \"a\" {\n  platform = \"linux\"\n  " + c.attrs + "\n}\nhost \"b\" {\n  platform = \"linux\"\n}\n"
		_, diags := Load(source.File{Name: "x.hcl", Text: []byte(text)})
		if len(diags) != 1 || !strings.Contains(diags[0].Detail, c.want) || diags[0].Subject.Start.Line < 3 {
			t.Errorf("%s: got %v, want one fault with %q", c.name, diags, c.want)
		}
	}
}

func TestNames(t *testing.T) {
	for name, ok := range map[string]bool{
		"biscayne": true, "was-sw01": true, "a_b": true, "": false, "-a": false, "1a": false, "a.b": false, "a b": false, "a:b": false, "é": false,
		strings.Repeat("a", 63): true, strings.Repeat("a", 64): false,
	} {
		if got := checkName(name) == nil; got != ok {
			t.Errorf("checkName(%q) is %t, want %t", name, got, ok)
		}
	}
}

func TestExtend(t *testing.T) {
	inv := read(t, "host \"a\" {\n  platform = \"linux\"\n}\n")
	blocks := func(text string) []*hclsyntax.Block {
		f, diags := source.Parse(source.File{Name: "plan.hcl", Text: []byte(text)})
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		return source.Body(f).Blocks
	}
	more, diags := Extend(inv, blocks("host \"b\" {\n  platform = \"linux\"\n  via = host.a\n}\n"))
	if diags.HasErrors() || strings.Join(more.Names(), " ") != "a b" {
		t.Errorf("got %v, %v", more.Names(), diags)
	}
	if len(inv.Hosts()) != 1 {
		t.Error("the inventory that was extended has changed")
	}
	if _, diags := Extend(inv, blocks("host \"a\" {\n  platform = \"eos\"\n}\n")); !diags.HasErrors() || !strings.Contains(diags.Error(), "inventory/x.hcl:1 already") {
		t.Errorf("got %v, want the place of the first", diags)
	}
	if alone, diags := Extend(nil, blocks("host \"a\" {\n  platform = \"eos\"\n}\n")); diags.HasErrors() || len(alone.Hosts()) != 1 {
		t.Errorf("got %v", diags)
	}
	if none, _ := Extend(nil, nil); none == nil || len(none.Hosts()) != 0 {
		t.Error("no inventory and no blocks is not an empty inventory")
	}
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte("host \"a\" {\n  platform = \"linux\"\n  via = [host.b]\n  data = { a = { b = [1] } }\n}\nhost \"b\" {\n  platform = \"eos\"\n  via = \"a\"\n}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		inv, diags := Load(source.File{Name: "x.hcl", Text: text})
		if inv.Files["x.hcl"] == nil {
			t.Error("the text is not there")
		}
		if diags.HasErrors() {
			return
		}
		for _, h := range inv.Hosts() {
			h.Value()
			if d, err := Decide(t.Context(), inv, h, nil); err == nil && (d.Port < 1 || d.Address == "" || strings.HasPrefix(d.Address, "-")) {
				t.Errorf("decided %+v", d)
			}
		}
	})
}
