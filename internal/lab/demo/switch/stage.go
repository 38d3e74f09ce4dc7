package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"bisc/internal/lab"
	"bisc/internal/lab/eos"
	"bisc/internal/lab/eos/device"
	"bisc/internal/lab/eos/front"
	ground "bisc/relaybin/lab"
)

// folder is where inventory/switch.hcl looks for the ssh_config that says how its hosts are reached.
const folder = "/run/bisc-switch"

// Addresses of inventory/switch.hcl, all of documentation.
var (
	uplink   = netip.MustParsePrefix("203.0.113.80/31") // the turbine peer's end of was-sw01's Ethernet1/1
	backbone = netip.MustParsePrefix("192.0.2.1/31")    // the host's end of was-sw01's Ethernet4/1
	service  = netip.MustParsePrefix("198.51.100.235/32")
	shreds   = netip.MustParseAddrPort("203.0.113.81:20000") // where turbine sends to
	tvu      = netip.MustParseAddrPort("127.0.0.1:9000")     // where the validator would take them
)

// stage is the host, the switches and the peer.
type stage struct {
	programs, dir string
	lock          *os.File
	lab           *lab.Lab
	was, mia      *eos.Switch
	net           *ground.Net
	sink          *ground.Sink
}

// newStage makes the stage; what is returned has to be closed, also with an error.
func newStage(ctx context.Context, programs string) (*stage, error) {
	s := &stage{programs: programs}
	if err := s.take(); err != nil {
		return s, err
	}
	title("a host with systemd, docker, a pool and a ramdisk module; two switches; a turbine peer: all on this machine")
	var err error
	host := lab.HostOptions{Name: "biscayne", Docker: true, Pools: []lab.Pool{{Name: "biscayne", Size: 16 << 30}}}
	if s.lab, err = lab.Start(ctx, lab.Options{Program: filepath.Join(programs, "bisc-lab"), Hosts: []lab.HostOptions{host}}); err != nil {
		return s, err
	}
	if s.was, err = s.startSwitch(ctx, "was-sw01"); err != nil {
		return s, err
	}
	if s.mia, err = s.startSwitch(ctx, "mia-sw01"); err != nil {
		return s, err
	}
	if err := s.wire(ctx); err != nil {
		return s, err
	}
	if s.sink, err = s.net.Host.NewSink(tvu, 0); err != nil {
		return s, err
	}
	return s, s.describe()
}

// take makes the folder this demo's alone.
func (s *stage) take() (err error) {
	if s.lock, err = os.OpenFile(folder+".lock", os.O_CREATE|os.O_RDWR, 0o600); err != nil {
		return err
	}
	if err := unix.Flock(int(s.lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return fmt.Errorf("another demo-switch runs on this machine (it holds %s.lock): %w", folder, err)
	}
	if err := errors.Join(os.RemoveAll(folder), os.Mkdir(folder, 0o700)); err != nil { // an earlier one may have been killed
		return err
	}
	s.dir, err = os.MkdirTemp("", "bisc-demo-switch-")
	return err
}

// startSwitch starts an emulated switch, with the configuration that it has before bisc comes.
func (s *stage) startSwitch(ctx context.Context, name string) (*eos.Switch, error) {
	startup, err := os.ReadFile("plans/biscayne/testdata/switches/" + name + ".cfg")
	if err != nil {
		return nil, fmt.Errorf("the configuration of %s (run this in the top folder): %w", name, err)
	}
	// A single command over SSH begins privileged: the site's authorization may say so ([I] for the real two, which begin at ">"; then
	// the daemon's program goes to flash in some thousand lines of base64, which takes minutes).
	access := front.DefaultAccess()
	access.ExecPrivileged = true
	return eos.Start(ctx, eos.Options{
		Access:  access,
		Program: filepath.Join(s.programs, "bisc-lab"), Users: []string{"install"}, Image: []string{"/usr/local/bin/doublezero-agent"},
		Device: device.Options{Hostname: "lab-" + name, Serial: "LAB-" + name, Startup: string(startup)},
	})
}

// wire connects was-sw01 with the peer and the host.
func (s *stage) wire(ctx context.Context) (err error) {
	host := s.lab.Host("biscayne")
	netns := fmt.Sprintf("/proc/%d/ns/net", host.Leader())
	if s.net, err = ground.StartWith(netns); err != nil {
		return err
	}
	if err := s.was.Wire("Ethernet1/1", s.net.Turbine.Path(), "uplink", uplink); err != nil {
		return err
	}
	if err := s.was.Wire("Ethernet4/1", netns, "bb0", backbone); err != nil {
		return err
	}
	_, err = host.Shell(ctx, "ip address add "+service.String()+" dev lo; sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.bb0.rp_filter=0")
	fmt.Printf("peer %s ── Ethernet1/1 lab-was-sw01 Ethernet4/1 ── %s host\n", uplink.Addr(), backbone.Addr())
	return err
}

// describe writes how all of them are reached.
func (s *stage) describe() error {
	var text strings.Builder
	entry := func(name, user, port, key, known string) {
		fmt.Fprintf(&text, "Host %s\n\tHostName 127.0.0.1\n\tPort %s\n\tUser %s\n\tIdentityFile %s\n\tIdentitiesOnly yes\n\tUserKnownHostsFile %s\n\tStrictHostKeyChecking yes\n", name, port, user, key, known)
	}
	host := s.lab.Host("biscayne")
	entry("biscayne", "ops", fmt.Sprint(host.Port()), host.KeyFile(), host.KnownHosts())
	for name, sw := range map[string]*eos.Switch{"was-sw01": s.was, "mia-sw01": s.mia} {
		_, port, _ := strings.Cut(sw.Addr, ":")
		entry(name, sw.User, port, sw.Key, sw.KnownHosts)
	}
	return os.WriteFile(filepath.Join(folder, "ssh_config"), []byte(text.String()), 0o600)
}

// close ends all that is there.
func (s *stage) close() error {
	var errs []error
	if s.sink != nil {
		s.sink.Close()
	}
	for _, sw := range []*eos.Switch{s.was, s.mia} {
		if sw != nil {
			errs = append(errs, sw.Close())
		}
	}
	if s.net != nil {
		errs = append(errs, s.net.Close())
	}
	if s.lab != nil {
		errs = append(errs, s.lab.Close())
	}
	if s.dir != "" {
		errs = append(errs, os.RemoveAll(s.dir), os.RemoveAll(folder))
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Close())
	}
	return errors.Join(errs...)
}
