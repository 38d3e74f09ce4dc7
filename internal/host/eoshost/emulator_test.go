package eoshost

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"bisc/internal/host"
	"bisc/internal/host/sshhost"
	"bisc/internal/lab/eos"
	"bisc/internal/lab/eos/front"
)

// emulated starts a switch with a startup-config of about as many lines as the real ones have, and says how to reach it.
func emulated(t *testing.T, opts eos.Options) (*eos.Switch, Config) {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "hostname lab-sw01\n")
	for i := range 300 {
		fmt.Fprintf(&b, "interface Loopback%d\n   description # a > b lab-sw01\n   ip address 192.0.2.%d/32\n", i, i%250+1)
	}
	opts.Device.Hostname, opts.Device.Startup = "lab-sw01", b.String()
	opts.Users = []string{"install"}
	sw := eos.ForTest(t, opts)
	return sw, configOf(t, sw)
}

func configOf(t *testing.T, sw *eos.Switch) Config {
	t.Helper()
	address, port, err := net.SplitHostPort(sw.Addr)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(sw.HostKey))
	if err != nil {
		t.Fatal(err)
	}
	return Config{Hostname: "lab-sw01", SSH: sshhost.Config{
		Name: "was", Addresses: []string{address}, Port: n, User: "install", Become: sshhost.Sudo,
		HostKeys: []string{ssh.FingerprintSHA256(key)}, Identities: []string{sw.Key}, AgentSocket: "none",
	}}
}

// TestFaultF33_Emulator: over each of the emulated switch's terminals the same answers come.
func TestFaultF33_Emulator(t *testing.T) {
	sw, cfg := emulated(t, eos.Options{})
	want, err := sw.Control().Running()
	if err != nil {
		t.Fatal(err)
	}
	startup, err := sw.Control().Startup()
	if err != nil {
		t.Fatal(err)
	}
	for name, faults := range map[string]front.Faults{
		"nothing odd":                    {},
		"it echoes twice":                {Echo: "twice"},
		"it echoes only where asked":     {Echo: "asked"},
		"a banner that ends as a prompt": {Banner: "lab-sw01#\nlab-sw01> "},
		"the second supervisor":          {Chassis: "(s2)"},
		"the pager comes though off":     {Paging: true},
		"a slow line":                    {Rate: 200_000},
		"commands take their time":       {Latency: 10 * time.Millisecond, LatencyMax: 40 * time.Millisecond, RTT: 5 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			if err := sw.Control().FrontFaults(faults); err != nil {
				t.Fatal(err)
			}
			h := opened(t, cfg)
			var version struct{ Version string }
			err := host.Ask(t.Context(), asks(h, "show running-config", want), asks(h, "show startup-config", startup),
				func(ctx context.Context) error { return host.ShowJSON(ctx, h, "show version", &version) },
				func(ctx context.Context) error {
					out, err := h.Query(ctx, "id", "-u")
					if err == nil && string(out.Stdout) != "0\n" {
						err = fmt.Errorf("id says %+v", out)
					}
					return err
				})
			if err != nil || version.Version == "" {
				t.Errorf("%v %+v", err, version)
			}
			t.Logf("%+v", h.Stats())
		})
	}
}
