package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	ground "bisc/relaybin/lab"
	"bisc/relaybin/units"
)

// Where the daemons tell their figures: both can be asked from the host.
var (
	mirrorAt      = netip.AddrPortFrom(ground.SwitchAddr, 9465)
	sequenced     = netip.AddrPortFrom(ground.HostAddr, 9101)
	mirrorMetrics = "http://" + mirrorAt.String() + "/metrics"
)

const unwrapMetrics = "http://127.0.0.1:9466/metrics"

// mirrorArgs is the command line of the switch's daemon.
func mirrorArgs(program string) []string {
	return []string{program, "--device", ground.Mirror, "--match-addr", ground.Advertised.Addr().String(), "--match-port", fmt.Sprint(ground.Advertised.Port()),
		"--form", "sequenced", "--to", sequenced.String(), "--via-device", ground.Backbone, "--metrics", mirrorAt.String()}
}

// install puts the host's daemon in place as bisc does, and starts it.
func (s *show) install(ctx context.Context) error {
	d := units.Daemon{Name: "shredunwrap", Sockets: []units.Socket{{Name: "sequenced", Listen: sequenced}}}
	files, err := d.Files()
	if err != nil {
		return err
	}
	if _, err := s.host.Exec(ctx, "mkdir", "-p", units.Binaries, units.Settings); err != nil {
		return err
	}
	settings := fmt.Sprintf("allow %s/32\nto 127.0.0.1:9000\n", ground.SwitchAddr)
	if err := s.host.Install(ctx, strings.NewReader(settings), units.Settings+"/shredunwrap.conf"); err != nil {
		return err
	}
	if err := s.put(ctx, "present"); err != nil {
		return err
	}
	enable := []string{"systemctl", "enable", "--now"}
	for _, f := range files {
		if err := s.host.Install(ctx, strings.NewReader(f.Text), "/etc/systemd/system/"+f.Name); err != nil {
			return err
		}
		enable = append(enable, f.Name)
	}
	if _, err := s.host.Exec(ctx, "systemctl", "daemon-reload"); err != nil {
		return err
	}
	if _, err := s.host.Exec(ctx, enable...); err != nil {
		return fmt.Errorf("%w\n%s", err, s.log(ctx))
	}
	return s.running(ctx, "present")
}

// put puts a build in the program's place, in one act.
func (s *show) put(ctx context.Context, which string) error {
	program, err := os.Open(filepath.Join(s.dir, which, "shredunwrap"))
	if err != nil {
		return err
	}
	defer program.Close()
	if err := s.host.Install(ctx, program, units.Binaries+"/.new"); err != nil {
		return err
	}
	_, err = s.host.Exec(ctx, "mv", units.Binaries+"/.new", units.Binaries+"/shredunwrap")
	return err
}

// upgrade replaces the daemon while shreds flow.
func (s *show) upgrade(ctx context.Context) error {
	title("the upgrade: another program in its place, and a restart")
	if err := s.put(ctx, "next"); err != nil {
		return err
	}
	start := time.Now()
	fmt.Println("root@biscayne# systemctl restart bisc-shredunwrap.service")
	if _, err := s.host.Exec(ctx, "systemctl", "restart", "bisc-shredunwrap.service"); err != nil {
		return fmt.Errorf("%w\n%s", err, s.log(ctx))
	}
	fmt.Printf("ready after %s; what came meanwhile waits in the socket, which is systemd's\n", time.Since(start).Round(time.Millisecond))
	return s.running(ctx, "next")
}

// running proves which build runs, by the digest of the process.
func (s *show) running(ctx context.Context, which string) error {
	program, err := os.ReadFile(filepath.Join(s.dir, which, "shredunwrap"))
	if err != nil {
		return err
	}
	want := fmt.Sprintf("%x", sha256.Sum256(program))
	out, err := s.host.Shell(ctx, `pid=$(systemctl show -p MainPID --value bisc-shredunwrap.service); echo $pid; sha256sum /proc/$pid/exe`)
	if err != nil {
		return fmt.Errorf("%w\n%s", err, s.log(ctx))
	}
	fields := strings.Fields(string(out))
	if len(fields) < 2 || fields[1] != want {
		return fmt.Errorf("what runs is %q, want the build %s", out, want)
	}
	fmt.Printf("process %s runs the build sha256:%.12s\n", fields[0], want)
	return nil
}

// log is what the daemon has said, for an error.
func (s *show) log(ctx context.Context) []byte {
	out, _ := s.host.Shell(ctx, `journalctl -q -o cat -n 20 -u bisc-shredunwrap.service`) // the error that it goes with says more
	return out
}
