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
	"bisc/internal/lab/cluster"
	"bisc/internal/lab/solana"
	"bisc/internal/lab/standin/stack"
)

// folder is where inventory/validator.hcl looks for the ssh_config that says how its host is reached.
const folder = "/run/bisc-validator"

// peers is where the cluster of Solana nodes is, in the host's network: an address of documentation, as inventory/validator.hcl has it.
const peers = "198.51.100.0/24"

// stage is the host, and what is in it.
type stage struct {
	programs, dir string
	rig           cluster.Kind
	lock          *os.File
	lab           *lab.Lab
	host          *lab.Host
	solana        *solana.Cluster
	site          *stack.Site
	quiet         bool // what bisc says is not shown
	untold        bool // not even the command is shown
}

// newStage makes the stage; what is returned has to be closed, also with an error.
func newStage(ctx context.Context, programs string, rig cluster.Kind) (*stage, error) {
	s := &stage{programs: programs, rig: rig}
	if err := s.take(); err != nil {
		return s, err
	}
	title("a host with systemd, docker, a pool and a ramdisk module; in its network a cluster of Solana nodes: all on this machine")
	var err error
	one := lab.HostOptions{Name: "biscayne", Docker: true, Pools: []lab.Pool{{Name: "biscayne", Size: 16 << 30}}}
	if s.lab, err = lab.Start(ctx, lab.Options{Program: filepath.Join(programs, "bisc-lab"), Hosts: []lab.HostOptions{one}}); err != nil {
		return s, err
	}
	s.host = s.lab.Host("biscayne")
	// Sources as there are: good ones, a slow one, one without snapshots, some that lie or vanish.
	nodes := []solana.Node{{Range: true, Offset: 20_000}, {Offset: 20_000, Speed: 64 << 10}, {Without: true}, {Fault: solana.FaultVanish}, {Fault: solana.FaultHTML},
		{Fault: solana.FaultLocation}, {Fault: solana.FaultShort, Offset: 20_000}, {Fault: solana.FaultSilent}, {Fault: solana.FaultLimited}, {Private: true}}
	if s.solana, err = solana.Run(ctx, solana.Options{Host: s.host, Network: netip.MustParsePrefix(peers), Nodes: nodes}); err != nil {
		return s, err
	}
	entry := fmt.Sprintf("Host biscayne\n\tHostName 127.0.0.1\n\tPort %d\n\tUser ops\n\tIdentityFile %s\n\tIdentitiesOnly yes\n\tUserKnownHostsFile %s\n\tStrictHostKeyChecking yes\n",
		s.host.Port(), s.host.KeyFile(), s.host.KnownHosts())
	return s, errors.Join(os.WriteFile(filepath.Join(folder, "ssh_config"), []byte(entry), 0o600), s.inventory(""))
}

// take makes the folder this demo's alone.
func (s *stage) take() (err error) {
	if s.lock, err = os.OpenFile(folder+".lock", os.O_CREATE|os.O_RDWR, 0o600); err != nil {
		return err
	}
	if err := unix.Flock(int(s.lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return fmt.Errorf("another demo-validator runs on this machine (it holds %s.lock): %w", folder, err)
	}
	if err := errors.Join(os.RemoveAll(folder), os.Mkdir(folder, 0o700)); err != nil { // an earlier one may have been killed
		return err
	}
	s.dir, err = os.MkdirTemp("", "bisc-demo-validator-")
	return err
}

// inventory is inventory/validator.hcl with what only this run knows: who its validator is and where its cluster answers.
func (s *stage) inventory(identity string) error {
	text, err := os.ReadFile("inventory/validator.hcl")
	if err != nil {
		return fmt.Errorf("the inventory (run this in the top folder): %w", err)
	}
	told := strings.NewReplacer("STANDIN-IDENTITY", identity, "http://198.51.100.1:8899", s.solana.RPC).Replace(string(text))
	return os.WriteFile(filepath.Join(s.dir, "validator.hcl"), []byte(told), 0o600)
}

// close ends all that is there. What is frozen must thaw first: a host with threads in D does not end.
func (s *stage) close() error {
	var errs []error
	if s.site != nil {
		_, _ = s.host.Exec(context.Background(), "fsfreeze", "-u", "/srv/solana") // most of the time it is not frozen
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
