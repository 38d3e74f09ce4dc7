package eoshost_test

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

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
