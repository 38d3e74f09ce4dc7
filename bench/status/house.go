package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"bisc/internal/lab"
	"bisc/internal/lab/solana"
	"bisc/internal/lab/standin/stack"
	"bisc/internal/lab/wire"
)

// house is a host that stands for biscayne, with a validator in its node, behind a jump host and a network that delays, and a desk
// with the real plan.
type house struct {
	options
	dir   string // of the desk: programs, inventory, journal
	lab   *lab.Lab
	host  *lab.Host
	proxy *wire.Proxy // between the desk and the jump host
	site  *stack.Site
	peers *solana.Cluster
}

// peers is where the cluster of Solana nodes is, in the host's network: an address of documentation, as inventory/validator.hcl has it.
const peers = "198.51.100.0/24"

// newHouse makes it, and a healthy one. What is returned has to be closed, also with an error.
func newHouse(ctx context.Context, o options) (h *house, err error) {
	h = &house{options: o}
	if h.dir, err = os.MkdirTemp("", "bisc-bench-status-"); err != nil {
		return h, err
	}
	for name, pkg := range map[string]string{"bisc": "./cmd/bisc", "bisc-lab": "./internal/lab/cmd/bisc-lab"} {
		build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", filepath.Join(h.dir, name), pkg)
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			return h, fmt.Errorf("build %s (run this in the top folder): %w\n%s", name, err, out)
		}
	}
	hosts := []lab.HostOptions{{Name: "biscayne", Docker: true, Pools: []lab.Pool{{Name: "biscayne", Size: 16 << 30}}}, {Name: "gate"}}
	if h.lab, err = lab.Start(ctx, lab.Options{Program: filepath.Join(h.dir, "bisc-lab"), Hosts: hosts, Progress: os.Stderr}); err != nil {
		return h, err
	}
	h.host = h.lab.Host("biscayne")
	if h.peers, err = solana.Run(ctx, solana.Options{Host: h.host, Network: netip.MustParsePrefix(peers)}); err != nil {
		return h, err
	}
	if h.proxy, err = wire.New(h.lab.Host("gate").Dial(), h.rtt/2); err != nil {
		return h, err
	}
	if err := errors.Join(h.reach(), h.inventory()); err != nil {
		return h, err
	}
	return h, h.furnish(ctx)
}

// furnish applies the layers, has laconic-so start the validator, and stops and starts it once, so that it is as the plan wants it.
func (h *house) furnish(ctx context.Context) (err error) {
	for _, layer := range []string{"storage", "units", "relay"} {
		if _, err := h.bisc(ctx, []int{0}, "apply", "--layer", layer, "--auto-approve", "--until-clean"); err != nil {
			return err
		}
	}
	if h.site, err = stack.Up(ctx, h.host, h.rig); err != nil {
		return err
	}
	for _, runbook := range []string{"stop", "start"} {
		if _, err := h.bisc(ctx, []int{0}, "run", runbook, "--auto-approve"); err != nil {
			return err
		}
	}
	return h.site.Answers(ctx)
}

// reach says how the host is reached: over the gate, which is behind the proxy.
func (h *house) reach() error {
	gate := h.lab.Host("gate")
	known := func(name string, keys []string) (text string) {
		for _, key := range keys {
			text += name + " " + strings.TrimSpace(key) + "\n"
		}
		return text
	}
	hosts := known(fmt.Sprintf("[127.0.0.1]:%d", h.proxy.Port()), gate.HostKeys()) + known(h.host.Addr(), h.host.HostKeys())
	entry := fmt.Sprintf("Host gate\n HostName 127.0.0.1\n Port %d\n User ops\nHost biscayne\n HostName %s\n User ops\n ProxyJump gate\nHost *\n IdentityFile %s\n IdentitiesOnly yes\n UserKnownHostsFile %s\n StrictHostKeyChecking yes\n",
		h.proxy.Port(), h.host.Addr(), h.host.KeyFile(), filepath.Join(h.dir, "known_hosts"))
	return errors.Join(
		os.WriteFile(filepath.Join(h.dir, "known_hosts"), []byte(hosts), 0o600),
		os.WriteFile(filepath.Join(h.dir, "ssh_config"), []byte(entry), 0o600))
}

// inventory is inventory/validator.hcl with what only this run knows.
func (h *house) inventory() error {
	text, err := os.ReadFile("inventory/validator.hcl")
	if err != nil {
		return fmt.Errorf("the inventory (run this in the top folder): %w", err)
	}
	told := strings.NewReplacer("/run/bisc-validator/ssh_config", filepath.Join(h.dir, "ssh_config"), "http://198.51.100.1:8899", h.peers.RPC).Replace(string(text))
	return os.WriteFile(filepath.Join(h.dir, "hosts.hcl"), []byte(told), 0o600)
}

// command is bisc as the desk types it.
func (h *house) command(ctx context.Context, args ...string) *exec.Cmd {
	return h.atDesk(exec.CommandContext(ctx, filepath.Join(h.dir, "bisc"), args...))
}

// byHand runs what an operator has in mind.
func (h *house) byHand(ctx context.Context) error {
	cmd := h.atDesk(exec.CommandContext(ctx, "sh", "-c", h.shell))
	cmd.Env = append(cmd.Env, fmt.Sprintf("PID=%d", h.host.Leader()), "PATH="+h.dir+":"+os.Getenv("PATH"))
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	return cmd.Run()
}

func (h *house) atDesk(cmd *exec.Cmd) *exec.Cmd {
	cmd.Env = append(os.Environ(), "BISC_PLANS=plans/biscayne", "BISC_INVENTORY="+filepath.Join(h.dir, "hosts.hcl"), "XDG_STATE_HOME="+filepath.Join(h.dir, "state"), "SSH_AUTH_SOCK=")
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	return cmd
}

// bisc runs it and insists on its exit status.
func (h *house) bisc(ctx context.Context, want []int, args ...string) (string, error) {
	var errs strings.Builder
	cmd := h.command(ctx, args...)
	cmd.Stderr = &errs
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return "", err
	}
	if got := cmd.ProcessState.ExitCode(); !slices.Contains(want, got) {
		return "", fmt.Errorf("bisc %s: exit %d, want %v\n%s%s", strings.Join(args, " "), got, want, out, errs.String())
	}
	return string(out), nil
}

func (h *house) close() error {
	if h.proxy != nil {
		h.proxy.Close()
	}
	var err error
	if h.lab != nil {
		err = h.lab.Close()
	}
	if h.dir == "" {
		return err
	}
	return errors.Join(err, os.RemoveAll(h.dir))
}
