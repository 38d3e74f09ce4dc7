package main

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"bisc/internal/lab/eos"
	"bisc/internal/lab/eos/device"
	"bisc/internal/lab/eos/front"
)

// eosStartup is the configuration of the switches of these tests. Its secret must be told by nobody.
const eosStartup = `hostname lab-sw01
!
username install privilege 15 role network-admin secret sha512 $6$kanari$vogel
!
interface Ethernet1/1
   mtu 2048
   no switchport
   ip address 198.51.100.1/31
!
interface Ethernet4/1
   mtu 2048
   no switchport
   ip address 203.0.113.0/31
!
ip access-list SEC-DIA-IN
   10 permit ip any any
!
ip routing
!
ip route 0.0.0.0/0 198.51.100.0
!
end
`

const eosPlan = `layer "relay" {
  on = "lab-sw01"
  eos_acl "SHRED-RELAY" {
    rules = ["10 permit udp any any eq 20000"]
  }
}
`

// eosDesk is a desk with one emulated switch in its inventory.
func eosDesk(t *testing.T, opts eos.Options, more ...string) (*desk, *eos.Switch) {
	t.Helper()
	opts.Device.Hostname, opts.Device.Serial, opts.Device.MAC, opts.Device.Startup, opts.Users = "lab-sw01", "JPA1234", "00:1c:73:00:00:01", eosStartup, []string{"install"}
	sw := eos.ForTest(t, opts)
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(sw.HostKey))
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(sw.Addr)
	if err != nil {
		t.Fatal(err)
	}
	// As the switch prints it, and not as it is written above.
	if _, err := sw.Control().CLI("root", "copy running-config startup-config"); err != nil {
		t.Fatal(err)
	}
	d := newDesk(t)
	lines := append([]string{`platform = "eos"`, `address = "127.0.0.1"`, "port = " + port, `user = "install"`, "ssh_config = false", `hostname = "lab-sw01"`,
		fmt.Sprintf("host_key = [%q]", ssh.FingerprintSHA256(key)), fmt.Sprintf("identity = [%q]", sw.Key)}, more...)
	d.write(t, "hosts.hcl", "host \"lab-sw01\" {\n  "+strings.Join(lines, "\n  ")+"\n}\n")
	d.write(t, "plan.bisc.hcl", eosPlan)
	return d, sw
}

// narrow fails the test where a person's text is wider than a terminal.
func narrow(t *testing.T, text string) {
	t.Helper()
	for _, line := range strings.Split(text, "\n") {
		if len([]rune(line)) > 80 {
			t.Errorf("%d columns: %s", len([]rune(line)), line)
		}
	}
}

func TestEOSDiff(t *testing.T) {
	t.Parallel()
	d, sw := eosDesk(t, eos.Options{})
	first := d.bisc(t, "eos", "diff", "lab-sw01")
	first.wants(t, 2, "differs", "relay.eos_acl[SHRED-RELAY]", "+ip access-list SHRED-RELAY", "a reload changes nothing", "DCS-7280CR3A-32S")
	narrow(t, first.out)
	// Somebody configures behind our back, and saves half of it.
	if _, err := sw.Control().CLI("root", "configure", "ip access-list SHRED-RELAY", "10 permit udp any any eq 20000", "end", "copy running-config startup-config", "configure", "interface Ethernet4/1", "mtu 9214", "end"); err != nil {
		t.Fatal(err)
	}
	second := d.bisc(t, "eos", "diff", "lab-sw01")
	second.wants(t, 0, "same       same       same        relay.eos_acl[SHRED-RELAY]", "a reload would take back 2 lines", "-   mtu 2048", "+   mtu 9214")
	narrow(t, second.out)
	var doc struct {
		FormatVersion string `json:"format_version"`
		Hosts         []struct {
			Host      string
			Resources []struct{ Address, Running, Startup, Programmed string }
			Unsaved   []string
		}
	}
	as := d.bisc(t, "eos", "diff", "--json")
	if err := json.Unmarshal([]byte(as.out), &doc); err != nil || as.status != 0 || len(doc.Hosts) != 1 || len(doc.Hosts[0].Resources) != 1 || len(doc.Hosts[0].Unsaved) != 2 || doc.FormatVersion == "" {
		t.Errorf("%v (exit %d)\n%s", err, as.status, as.out)
	}
	d.write(t, "plan.bisc.hcl", "layer \"relay\" {\n  on = \"lab-sw01\"\n}\n")
	d.bisc(t, "eos", "diff").wants(t, 0, "the plan wants nothing of this switch", "a reload would take back 2 lines")
	lines, err := sw.Control().Lines()
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines {
		if strings.HasPrefix(line, "configure") {
			t.Errorf("a diff typed %q", line)
		}
	}
}

func TestEOSSessions(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"4.34.0F", "4.31.1F"} {
		d, sw := eosDesk(t, eos.Options{Device: device.Options{Version: version}})
		d.bisc(t, "eos", "sessions").wants(t, 0, "lock is free", "no commit waits", "0 of 5 sessions pending")
		for user, lines := range map[string][]string{
			"root":  {"configure session doublezero-agent-1", "end"},
			"admin": {"configure session bisc-20260101-1", "interface Ethernet4/1", "mtu 9214", "end", "configure session bisc-20260101-1 commit timer 00:05:00"},
			"me":    {"configure session blah", "end"},
		} {
			if _, err := sw.Control().CLI(user, lines...); err != nil {
				t.Fatal(err)
			}
		}
		got := d.bisc(t, "eos", "sessions", "lab-sw01")
		got.wants(t, 0, "a commit waits for its confirmation: session", "of 5 sessions pending", "the second manager's", "somebody's", "a commit replaces the running configuration")
		narrow(t, got.out)
		d.bisc(t, "eos", "sessions", "--json").wants(t, 0, `"timer": "bisc-20260101-1"`, `"name": "doublezero-agent-1"`)
	}
}

// A shape that nobody has seen is not taken for nothing.
func TestEOSSessionsStrange(t *testing.T) {
	t.Parallel()
	d, sw := eosDesk(t, eos.Options{})
	if err := sw.Control().DeviceFaults(device.Faults{UnknownJSON: true}); err != nil {
		t.Fatal(err)
	}
	got := d.bisc(t, "eos", "sessions", "lab-sw01")
	got.wants(t, 7, "not understood")
	for _, calm := range []string{"no commit waits", "lock is free"} {
		if strings.Contains(got.out, calm) {
			t.Errorf("it says %q:\n%s", calm, got.out)
		}
	}
}

func TestEOSProbe(t *testing.T) {
	t.Parallel()
	d, sw := eosDesk(t, eos.Options{Access: front.Access{SCP: true, TCP: true, StreamLocal: true, MaxSessions: 10}})
	before, err := sw.Control().Running()
	if err != nil {
		t.Fatal(err)
	}
	got := d.bisc(t, "eos", "probe", "lab-sw01")
	got.wants(t, 0, "# lab-sw01: DCS-7280CR3A-32S, EOS 4.34.0F", "serial JPA1234", "the sftp subsystem: no", "bash as root: yes", "## show version", "a lock outlives an eAPI request: unknown")
	if strings.Contains(got.all(), "kanari") || strings.Contains(got.all(), "vogel") {
		t.Error("the report tells a secret")
	}
	if after, err := sw.Control().Running(); err != nil || after != before {
		t.Errorf("the probe changed the switch (%v)", err)
	}
	d.bisc(t, "hosts", "--probe", "lab-sw01").wants(t, 0, "lab-sw01  DCS-7280CR3A-32S, EOS 4.34.0F", "the command line over SSH: works, and is used", "nobody listens")
	as := d.bisc(t, "eos", "probe", "--json")
	if !json.Valid([]byte(as.out)) || as.status != 0 {
		t.Errorf("exit %d\n%s", as.status, as.out)
	}
}

// Once somebody enables the socket, show commands go over it, and a plan is the same.
func TestEOSOverTheSocket(t *testing.T) {
	t.Parallel()
	d, sw := eosDesk(t, eos.Options{})
	plain := d.bisc(t, "plan")
	if _, err := sw.Control().CLI("root", "configure", "management api http-commands", "no protocol https", "protocol unix-socket", "no shutdown", "end", "copy running-config startup-config"); err != nil {
		t.Fatal(err)
	}
	d.bisc(t, "hosts", "--probe", "lab-sw01").wants(t, 0, "eAPI over /var/run/command-api.sock through SSH: works, and is used")
	over := d.bisc(t, "plan", "--stats")
	over.wants(t, plain.status, "eos_acl[SHRED-RELAY]")
	first := func(s string) string { line, _, _ := strings.Cut(s, "\n"); return line }
	if first(over.out) != first(plain.out) {
		t.Errorf("over the command line:\n%s\nover eAPI:\n%s", plain.out, over.out)
	}
}

// A way that the inventory names must work; the error says which it is and why.
func TestEOSNamedWay(t *testing.T) {
	t.Parallel()
	d, sw := eosDesk(t, eos.Options{}, `eapi = "unix"`)
	d.bisc(t, "eos", "sessions").wants(t, 5, "nobody listens", `eapi = "unix"`)
	if _, err := sw.Control().CLI("root", "configure", "management api http-commands", "protocol unix-socket", "no shutdown", "end"); err != nil {
		t.Fatal(err)
	}
	d.bisc(t, "eos", "sessions").wants(t, 0, "lock is free")
	if n, err := sw.Control().Count("eapi"); err != nil || n == 0 {
		t.Errorf("eAPI was asked %d times (%v)", n, err)
	}
}

// Over HTTPS a password is sent to the pinned certificate and told to nobody; so is enable's.
func TestEOSPasswordsAreNotTold(t *testing.T) {
	t.Parallel()
	const login, enable = "kanari-eapi-vogel", "kanari-enable-vogel"
	opts := eos.Options{Passwords: map[string]string{"install": login}, Device: device.Options{EnableSecret: enable}}
	d, sw := eosDesk(t, opts)
	if _, err := sw.Control().CLI("root", "configure", "management api http-commands", "no shutdown", "end"); err != nil {
		t.Fatal(err)
	}
	hosts, err := os.ReadFile(filepath.Join(d.dir, "hosts.hcl"))
	if err != nil {
		t.Fatal(err)
	}
	with := func(pin string) {
		more := fmt.Sprintf("  become_password_env = \"ENABLE\"\n  eapi = %q\n  eapi_password_env = \"EAPI\"\n  eapi_tls_pin = %q\n}\n", "https://"+sw.HTTPS, pin)
		d.write(t, "hosts.hcl", strings.TrimSuffix(string(hosts), "}\n")+more)
	}
	quiet := func(e ended) ended {
		for _, secret := range []string{login, enable} {
			if strings.Contains(e.all(), secret) {
				t.Errorf("a password is told:\n%s", e.all())
			}
		}
		return e
	}
	d.env = append(d.env, "ENABLE="+enable, "EAPI="+login)
	with("sha256:" + strings.Repeat("0", 64))
	quiet(d.bisc(t, "eos", "sessions")).wants(t, 5, "the certificate's digest is sha256:")
	with(certificateOf(t, sw.HTTPS))
	quiet(d.bisc(t, "eos", "sessions")).wants(t, 0, "lock is free")
	quiet(d.bisc(t, "hosts", "--probe")).wants(t, 0, "eAPI over https://"+sw.HTTPS+": works, and is used")
	quiet(d.bisc(t, "eos", "probe", "--json", "--stats", "-v")).wants(t, 0)
	quiet(d.bisc(t, "hosts", "--explain")).wants(t, 0, "eapi")
	d.env = append(d.env, "EAPI="+login+"x")
	quiet(d.bisc(t, "eos", "sessions")).wants(t, 5, "the login was refused")
	d.env = append(d.env, "ENABLE="+enable+"x")
	if got := quiet(d.bisc(t, "eos", "sessions")); got.status == 0 || !strings.Contains(got.all(), "enable") {
		t.Errorf("exit %d\n%s", got.status, got.all())
	}
}

// certificateOf is the digest of what a server shows.
func certificateOf(t *testing.T, address string) string {
	t.Helper()
	c, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	sum := sha256.Sum256(c.ConnectionState().PeerCertificates[0].Raw)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// A switch that was not asked has told nothing: a table that says "the plan wants nothing of it" would be taken for an answer.
func TestEOSDiffUnasked(t *testing.T) {
	t.Parallel()
	d, _ := eosDesk(t, eos.Options{})
	inventory, err := os.ReadFile(filepath.Join(d.dir, "hosts.hcl"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		was, is string
		status  int
		says    string
	}{
		{`"lab-sw01"` + "\n  host_key", `"lab-sw02"` + "\n  host_key", 1, "mend the inventory\n"},
		{`"127.0.0.1"`, `"127.0.0.99"`, 5, "host not reachable"},
	} {
		d.write(t, "hosts.hcl", strings.Replace(string(inventory), c.was, c.is, 1))
		got := d.bisc(t, "eos", "diff", "lab-sw01")
		got.wants(t, c.status, "lab-sw01\n  could not be asked: lab-sw01 (127.0.0.", c.says)
		if strings.Contains(got.out, "wants nothing") || strings.Contains(got.out, "programmed") {
			t.Errorf("it speaks of what it did not ask:\n%s", got.out)
		}
		narrow(t, got.out)
	}
}

// The lines that are to be typed are read before they are approved: each on its own line, under what they are for.
func TestPlanOfASwitchIsRead(t *testing.T) {
	t.Parallel()
	d, _ := eosDesk(t, eos.Options{})
	d.bisc(t, "plan").wants(t, 2, `      will: type 3 lines into the stage's configuration session:
        ip access-list SHRED-RELAY
        10 permit udp any any eq 20000
        exit
`)
	d.bisc(t, "plan", "--wire").wants(t, 2, `        send: into the configuration session
          ip access-list SHRED-RELAY
          10 permit udp any any eq 20000
          exit
`)
}

// What is no switch is not dialled.
func TestEOSOnLinux(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.write(t, "hosts.hcl", "host \"a\" {\n  platform = \"linux\"\n  address = \"192.0.2.1\"\n  ssh_config = false\n}\n")
	d.write(t, "plan.bisc.hcl", "layer \"units\" {\n  on = \"a\"\n}\n")
	for _, verb := range []string{"diff", "sessions", "probe"} {
		d.bisc(t, "eos", verb, "a").wants(t, 1, "a is no switch")
		d.bisc(t, "eos", verb).wants(t, 1, "has no switch")
	}
	if _, err := os.Stat(filepath.Join(d.dir, "hosts.hcl")); err != nil {
		t.Error(err)
	}
}
