package vm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"bisc/internal/lab/rootfs"
	"bisc/internal/lab/vm/qemu"
)

// Options says how a machine is started.
type Options struct {
	Progress io.Writer // what Setup has to tell when it has to build; nil is nowhere
}

// Start runs Setup and resumes a copy of the saved boot: docker is up, and the pool biscayne is empty. When this process
// dies, the machine ends with it.
func Start(ctx context.Context, opts Options) (*Machine, error) {
	var m *Machine
	err := prepare(ctx, rootfs.NewSteps(opts.Progress), opts.Progress, func(saved *state) (err error) {
		m, err = saved.resume(ctx)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("start a virtual machine: %w", err)
	}
	return m, nil
}

// runs is where the disks of running machines are: not in memory, which the machines need.
var runs = filepath.Join(rootfs.Cache, "vm-runs")

// resume starts a machine from the saved state, on overlays of its disks.
func (s *state) resume(ctx context.Context) (*Machine, error) {
	m := &Machine{image: s.image}
	if err := m.makeFolder(); err != nil {
		return nil, err
	}
	release, err := s.hold() // QEMU opens them again at each start
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(m.dir), m.held.Close())
	}
	m.release = release
	m.config = qemu.Config{Image: s.image, Dir: m.dir, Root: filepath.Join(m.dir, "root.qcow2"), Data: filepath.Join(m.dir, "data.qcow2"), Incoming: s.folder.File("memory.zst")}
	err = qemu.Overlay(ctx, m.config.Root, s.folder.File("root.qcow2"), "qcow2")
	if err == nil {
		err = qemu.Overlay(ctx, m.config.Data, s.folder.File("data.qcow2"), "qcow2")
	}
	if err == nil {
		err = m.start(ctx, bootLimit)
	}
	if err != nil {
		os.RemoveAll(m.dir)
		m.release()
		m.held.Close()
		return nil, err
	}
	// The guest's clock stands at the time when it was saved.
	if _, err := m.Exec(ctx, "date", "-s", fmt.Sprintf("@%d", time.Now().Unix())); err != nil {
		m.Close()
		return nil, err
	}
	if err := m.describe(); err != nil {
		m.Close()
		return nil, err
	}
	return m, nil
}

// makeFolder makes the machine's folder, locked for as long as this process lives, and removes those whose processes have
// gone.
func (m *Machine) makeFolder() (err error) {
	if err := os.MkdirAll(runs, 0o700); err != nil {
		return fmt.Errorf("make the machine's folder: %w", err)
	}
	old, _ := filepath.Glob(filepath.Join(runs, "*"))
	for _, dir := range old {
		if held, err := hold(dir); err == nil {
			os.RemoveAll(dir)
			held.Close()
		}
	}
	if m.dir, err = os.MkdirTemp(runs, ""); err != nil {
		return fmt.Errorf("make the machine's folder: %w", err)
	}
	m.held, err = hold(m.dir)
	return err
}

// hold locks a folder, or says that somebody else has.
func hold(dir string) (*os.File, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, fmt.Errorf("hold the machine's folder: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		return nil, fmt.Errorf("hold the machine's folder: %w", err)
	}
	return f, nil
}

// ForTest resumes a machine for a test and ends it with the test. On a machine that cannot run one the test fails: what is
// not run is not proved. The first on a machine builds all, which takes 6 to 12 minutes: make machine does it beforehand.
func ForTest(t testing.TB) *Machine {
	t.Helper()
	m, err := Start(t.Context(), Options{Progress: os.Stderr})
	if err != nil {
		t.Fatalf("%v\n(the virtual machine needs root, Debian 12 on amd64, 3 GiB of memory, and apt once)", err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the end of the console:\n%s", m.consoleTail())
		}
		if err := m.Close(); err != nil {
			t.Errorf("end the virtual machine: %v", err)
		}
	})
	return m
}
