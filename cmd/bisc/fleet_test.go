package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"

	"bisc/internal/lab"
)

// fleet is the lab that the tests of this package share: hosts are lent, one test at a time.
type fleet struct {
	dir     string
	program string // bisc-lab
	lab     *lab.Lab
	free    chan *lab.Host
}

var theFleet struct {
	sync.Mutex
	*fleet
	err error
}

// sharedFleet starts the lab when the first test wants a host.
func sharedFleet() (*fleet, error) {
	theFleet.Lock()
	defer theFleet.Unlock()
	if theFleet.fleet == nil && theFleet.err == nil {
		theFleet.fleet, theFleet.err = startFleet()
	}
	return theFleet.fleet, theFleet.err
}

func startFleet() (*fleet, error) {
	dir, err := os.MkdirTemp("", "bisc-cmd-")
	if err != nil {
		return nil, err
	}
	f := &fleet{dir: dir, program: filepath.Join(dir, "bisc-lab"), free: make(chan *lab.Host, 3)}
	build := exec.Command("go", "build", "-ldflags=-s -w", "-o", f.program, "bisc/internal/lab/cmd/bisc-lab")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build bisc-lab: %w\n%s", err, out)
	}
	opts := lab.Names("one", "two", "three")
	opts.Program, opts.Progress = f.program, os.Stderr
	if f.lab, err = lab.Start(context.Background(), opts); err != nil {
		return nil, err
	}
	for _, h := range f.lab.Hosts() {
		f.free <- h
	}
	return f, nil
}

func endFleet() error {
	theFleet.Lock()
	defer theFleet.Unlock()
	if theFleet.fleet == nil {
		return nil
	}
	return errors.Join(theFleet.lab.Close(), os.RemoveAll(theFleet.dir))
}

// lend gives a host until back is called. Who breaks it mends it: better take ownHost.
func lend() (h *lab.Host, back func(), err error) {
	f, err := sharedFleet()
	if err != nil {
		return nil, nil, err
	}
	h = <-f.free
	return h, func() { f.free <- h }, nil
}

// sharedHost lends a host to a test.
func sharedHost(t *testing.T) *lab.Host {
	t.Helper()
	h, back, err := lend()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(back)
	return h
}

// ownHost starts a host for a test that spoils it.
func ownHost(t *testing.T) *lab.Host {
	t.Helper()
	f, err := sharedFleet()
	if err != nil {
		t.Fatal(err)
	}
	opts := lab.Names("own")
	opts.Program = f.program
	return lab.ForTest(t, opts).Host("own")
}

// onHost runs a script as root in the host, beside bisc.
func onHost(t *testing.T, h *lab.Host, script string, args ...string) string {
	t.Helper()
	out, err := h.Shell(t.Context(), script, args...)
	if err != nil {
		t.Fatalf("on the host:\n%s\n%v", script, err)
	}
	return strings.TrimSpace(string(out))
}

// pins are the fingerprints of a host's keys, as a list of the inventory.
func pins(h *lab.Host) (string, error) {
	var out []string
	for _, line := range h.HostKeys() {
		key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line))
		if err != nil {
			return "", err
		}
		out = append(out, fmt.Sprintf("%q", ssh.FingerprintSHA256(key)))
	}
	return "[" + strings.Join(out, ", ") + "]", nil
}

// hostBlock is a lab host as the inventory has it; more is attributes of its own, which come last.
func hostBlock(name string, port int, user, hostKeys, keyFile string, more ...string) string {
	lines := []string{`platform = "linux"`, `address = "127.0.0.1"`, fmt.Sprintf("port = %d", port), fmt.Sprintf("user = %q", user), `ssh_config = false`}
	if hostKeys != "" {
		lines = append(lines, "host_key = "+hostKeys)
	}
	if keyFile != "" {
		lines = append(lines, fmt.Sprintf("identity = [%q]", keyFile))
	}
	return fmt.Sprintf("host %q {\n  %s\n}\n", name, strings.Join(append(lines, more...), "\n  "))
}

// onHostQuietly mends a host at a test's end.
func onHostQuietly(h *lab.Host, script string) { _, _ = h.Shell(context.Background(), script) }
