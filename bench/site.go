package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"bisc/internal/lab"
	"bisc/internal/lab/wire"
)

//go:embed prepare.sh
var prepare string

// site is where the tools work: lab hosts behind delay proxies, and a folder with what each tool has to know of them.
type site struct {
	dir     string
	top     string // bench's own folder: plans and peers
	bisc    string // the program
	lab     *lab.Lab
	targets []*target
}

// target is one host as the tools see it.
type target struct {
	name  string
	host  *lab.Host
	proxy *wire.Proxy
	group cgroup
}

// openSite starts hosts by name, behind a network of this round trip time, and prepares the content.
func openSite(ctx context.Context, bisc, top string, rtt time.Duration, names ...string) (s *site, err error) {
	s = &site{top: top, bisc: bisc}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if s.dir, err = os.MkdirTemp("", "bisc-bench-"); err != nil {
		return nil, err
	}
	opts := lab.Names(names...)
	opts.Progress = os.Stderr
	if s.lab, err = lab.Start(ctx, opts); err != nil {
		return nil, err
	}
	for _, name := range names {
		h := s.lab.Host(name)
		if _, err := h.Shell(ctx, prepare); err != nil {
			return nil, fmt.Errorf("prepare the content: %w", err)
		}
		if err := s.settled(ctx, h); err != nil {
			return nil, err
		}
		t := &target{name: name, host: h}
		s.targets = append(s.targets, t)
		if t.group, err = groupOf(h.Leader()); err != nil {
			return nil, err
		}
	}
	return s, s.delay(rtt)
}

// settled waits for the end of the boot, so that it is not counted.
func (s *site) settled(ctx context.Context, h *lab.Host) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	_, err := h.Shell(ctx, `systemctl is-system-running --wait || test "$(systemctl is-system-running)" = degraded`)
	return err
}

// delay puts every host behind a network of another round trip time, and tells the tools where they are now.
func (s *site) delay(rtt time.Duration) (err error) {
	for _, t := range s.targets {
		if t.proxy != nil {
			t.proxy.Close()
		}
		if t.proxy, err = wire.New(t.host.Dial(), rtt/2); err != nil {
			return err
		}
	}
	return s.introduce()
}

// introduce writes the inventories and the known_hosts.
func (s *site) introduce() error {
	var hcl, ini, known strings.Builder
	for _, t := range s.targets {
		pins := []string{}
		for _, line := range t.host.HostKeys() {
			key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line))
			if err != nil {
				return err
			}
			pins = append(pins, fmt.Sprintf("%q", ssh.FingerprintSHA256(key)))
			fmt.Fprintf(&known, "[127.0.0.1]:%d %s\n", t.proxy.Port(), strings.TrimSpace(line))
		}
		fmt.Fprintf(&hcl, "host %q {\n  platform = \"linux\"\n  address = \"127.0.0.1\"\n  port = %d\n  user = \"ops\"\n  become = true\n  ssh_config = false\n  host_key = [%s]\n  identity = [%q]\n}\n",
			t.name, t.proxy.Port(), strings.Join(pins, ", "), t.host.KeyFile())
		fmt.Fprintf(&ini, "%s ansible_host=127.0.0.1 ansible_port=%d ansible_user=ops ansible_ssh_private_key_file=%s\n", t.name, t.proxy.Port(), t.host.KeyFile())
	}
	return errors.Join(
		os.WriteFile(filepath.Join(s.dir, "hosts.hcl"), []byte(hcl.String()), 0o600),
		os.WriteFile(filepath.Join(s.dir, "hosts.ini"), []byte(ini.String()), 0o600),
		os.WriteFile(filepath.Join(s.dir, "known_hosts"), []byte(known.String()), 0o600))
}

func (s *site) close() error {
	for _, t := range s.targets {
		if t.proxy != nil {
			t.proxy.Close()
		}
	}
	var err error
	if s.lab != nil {
		err = s.lab.Close()
	}
	return errors.Join(err, os.RemoveAll(s.dir))
}
