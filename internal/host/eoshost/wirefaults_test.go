package eoshost_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"bisc/internal/host"
	"bisc/internal/host/eoshost"
	"bisc/internal/host/sshhost"
	"bisc/internal/lab/eos"
	"bisc/internal/lab/eos/device"
	"bisc/internal/lab/eos/front"
)

// emulated is an emulated switch with a configuration that has prompts, refusals and pages in it.
func emulated(t *testing.T, change ...func(*eos.Options)) *eos.Switch {
	t.Helper()
	var startup strings.Builder
	startup.WriteString("hostname was-sw01\n!\nbanner motd\nwas-sw01#\nwas-sw01(config)#show x\n% Invalid input\n --More-- \n! bisc-0123456789ab-1\nEOF\n!\n" +
		"ip access-list LONG\n")
	for i := range 300 {
		fmt.Fprintf(&startup, "   remark was-sw01# is no prompt %d > this neither\n", i)
	}
	startup.WriteString("!\nend\n")
	o := eos.Options{Users: []string{"install"}, Device: device.Options{Hostname: "was-sw01", Serial: "JPA0000000001", Startup: startup.String()}}
	for _, c := range change {
		c(&o)
	}
	return eos.ForTest(t, o)
}

// reader opens a switch as the product does.
func reader(t *testing.T, sw *eos.Switch, change ...func(*eoshost.Config)) (*eoshost.Host, error) {
	t.Helper()
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(sw.HostKey))
	if err != nil {
		t.Fatal(err)
	}
	cfg := eoshost.Config{Hostname: "was-sw01", Serial: "JPA0000000001", SSH: sshhost.Config{
		Name: "was-sw01", Addresses: []string{"127.0.0.1"}, Port: int(netip.MustParseAddrPort(sw.Addr).Port()), User: "install", Become: sshhost.Sudo,
		HostKeys: []string{ssh.FingerprintSHA256(key)}, Identities: []string{sw.Key}, AgentSocket: "none"}}
	for _, c := range change {
		c(&cfg)
	}
	pool := sshhost.NewPool(sshhost.Options{})
	t.Cleanup(func() { _ = pool.Close() })
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	h, err := eoshost.Open(ctx, pool, cfg)
	if err == nil {
		t.Cleanup(func() { _ = h.Close() })
	}
	return h, err
}

// TestFaultF33_TheEmulatorsWire: whatever the emulated switch's terminal and network do, what is read is what the switch says behind
// their back.
func TestFaultF33_TheEmulatorsWire(t *testing.T) {
	t.Parallel()
	sw := emulated(t)
	want, err := sw.Control().Running()
	if err != nil {
		t.Fatal(err)
	}
	if len(want) < 10_000 || !strings.Contains(want, "! bisc-0123456789ab-1") {
		t.Fatalf("the switch's configuration is %d bytes:\n%s", len(want), want)
	}
	for name, f := range map[string]front.Faults{
		"nothing":                    {},
		"echo twice":                 {Echo: "twice"},
		"echo as asked":              {Echo: "asked"},
		"a chassis in the prompt":    {Chassis: "(s2)"},
		"a banner with look-alikes":  {Banner: "was-sw01#\nwas-sw01>\nwas-sw01(config-s-bisc-1)#\nPassword: \n% Invalid input"},
		"pages though switched off":  {Paging: true},
		"a slow wire":                {Rate: 60_000},
		"a slow wire, echo twice":    {Rate: 60_000, Echo: "twice"},
		"a far switch that is slow":  {RTT: 25 * time.Millisecond, Latency: 20 * time.Millisecond, LatencyMax: 80 * time.Millisecond},
		"a far switch, a banner too": {RTT: 25 * time.Millisecond, Banner: "was-sw01>", Chassis: "(s1)", Echo: "twice"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := sw.Control().FrontFaults(f); err != nil {
				t.Fatal(err)
			}
			h, err := reader(t, sw)
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			for range 2 {
				got, err := h.Show(ctx, "show running-config")
				if err != nil {
					t.Fatal(err)
				}
				if strings.TrimSpace(string(got)) != strings.TrimSpace(want) {
					t.Errorf("read %d bytes, the switch has %d:\n%.2000s", len(got), len(want), got)
				}
			}
			if _, err := h.Show(ctx, "show version | json"); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestTurnsOfAWholeSwitch: reading what a plan of a real switch's 2,587 lines needs costs at most 14 turns, cold, and one login.
func TestTurnsOfAWholeSwitch(t *testing.T) {
	const real = "../../../../shared/fixtures/eos/configs/real-7280CR3A-4.34.0F/mia-sw01-running.cfg"
	startup, err := os.ReadFile(real)
	if err != nil {
		t.Fatalf("this test needs the fixtures beside the tree (../shared/fixtures/eos): %v", err)
	}
	sw := emulated(t, func(o *eos.Options) {
		o.Device.Startup = string(startup)
		o.Image = []string{"/usr/local/bin/doublezero-agent", "/usr/local/bin/doublezero-telemetry", "/usr/bin/EosSdkRpcAgent"}
	})
	if err := sw.Control().FrontFaults(front.Faults{RTT: 10 * time.Millisecond}); err != nil {
		t.Fatal(err)
	}
	h, err := reader(t, sw, func(c *eoshost.Config) { c.Hostname = "" })
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for _, command := range []string{"show running-config", "show startup-config", "show ip route 192.0.2.1/32 | json", "show configuration sessions detail | json",
		"show configuration lock | json", "show daemon | json", "show monitor session | json", "show hardware tcam profile | json"} {
		all.Go(func() {
			got, err := h.Show(t.Context(), command)
			var refused *host.ShowError
			if err != nil && !errors.As(err, &refused) {
				t.Error(err)
			}
			if lines := strings.Count(string(got), "\n"); strings.HasSuffix(command, "-config") && lines < 2_500 {
				t.Errorf("%s: %d lines", command, lines)
			}
		})
	}
	all.Wait()
	logins, err := sw.Control().Count("ssh")
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d turns, %d logins", h.Stats().Turns, logins)
	if h.Stats().Turns > 14 || logins != 1 {
		t.Errorf("%d turns, %d logins; want at most 14 and 1", h.Stats().Turns, logins)
	}
}

// TestSecretsOnTheEmulatorsWire: enable's password, right, wrong or refused by AAA with its words, is in no error and not among what was
// heard as a line.
func TestSecretsOnTheEmulatorsWire(t *testing.T) {
	const secret = "open sesame"
	for _, c := range []struct {
		name, given, says string
		deny              []string
	}{
		{name: "right", given: secret},
		{name: "wrong", given: "open barley", says: "refused the password"},
		{name: "denied", given: secret, says: "denied", deny: []string{"enable"}},
		{name: "none", given: "", says: "wants a password"},
	} {
		t.Run(c.name, func(t *testing.T) {
			sw := emulated(t, func(o *eos.Options) { o.Device.EnableSecret = secret })
			if err := sw.Control().DeviceFaults(device.Faults{Deny: c.deny}); err != nil {
				t.Fatal(err)
			}
			_, err := reader(t, sw, func(cfg *eoshost.Config) {
				cfg.EnablePassword = func(context.Context, string) (string, error) { return c.given, nil }
			})
			if c.says == "" && err != nil || c.says != "" && !strings.Contains(fmt.Sprint(err), c.says) {
				t.Errorf("got %v, want %q", err, c.says)
			}
			heard, herr := sw.Control().Heard()
			if herr != nil {
				t.Fatal(herr)
			}
			if said := fmt.Sprint(err, heard); c.given != "" && strings.Contains(said, c.given) {
				t.Errorf("the password is in %s", said)
			}
		})
	}
}

// TestDeniedOnTheEmulatorsWire: a command that AAA forbids is a refusal of that command, not of the switch.
func TestDeniedOnTheEmulatorsWire(t *testing.T) {
	sw := emulated(t)
	if err := sw.Control().DeviceFaults(device.Faults{Deny: []string{"show startup-config", "bash"}}); err != nil {
		t.Fatal(err)
	}
	h, err := reader(t, sw)
	if err != nil {
		t.Fatal(err)
	}
	var refused *host.ShowError
	if _, err := h.Show(t.Context(), "show startup-config"); !errors.As(err, &refused) || !refused.Denied {
		t.Errorf("a forbidden command: %v", err)
	}
	if _, err := h.Show(t.Context(), "show running-config"); err != nil {
		t.Errorf("another one: %v", err)
	}
	if _, err := h.ReadFile(t.Context(), "/etc/hostname"); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file behind a bash that is forbidden: %v", err)
	}
}
