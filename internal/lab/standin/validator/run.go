package validator

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"bisc/internal/lab/solana/key"
)

// harder is after how long an exit that does not come to an end is given up: the process ends although threads of it live on, as the
// real one does.
const harder = 5 * time.Minute

// run is the validator itself, to its end.
func run(line commandLine) int {
	// PID 1 gets no signal that it has no handler for, and the real one has none for SIGTERM. Go has, unless told otherwise.
	if os.Getpid() == 1 {
		signal.Ignore(syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT)
	}
	n, release, err := begin(line)
	if err != nil {
		return fail("%v", err)
	}
	defer release()
	err = n.live()
	if err == nil {
		return 0
	}
	n.log.fail("%v", err)
	fmt.Fprintln(os.Stderr, err)
	_ = n.trace.add(Run{Event: Failed, Why: err.Error()}) // the disk may be what failed
	if errors.Is(err, errDirty) {
		return 101
	}
	return 1
}

// errDirty is the end that ExitDirty asks for; 101 is a Rust program's status after a panic.
var errDirty = errors.New("thread 'solReplayStage' panicked")

// begin is what comes before the first act: identity, folders, the ledger's lock.
func begin(line commandLine) (*node, func(), error) {
	n := &node{line: line, ledger: line.ledger(), start: time.Now().UTC(), exiting: make(chan struct{}), progress: initializing}
	var err error
	if !line.has("identity") {
		return nil, nil, fmt.Errorf("error: The following required arguments were not provided:\n    --identity <KEYPAIR>\n%s", usage)
	}
	if n.identity, err = key.Read(line.get("identity", "")); err != nil {
		return nil, nil, fmt.Errorf("error: Invalid value for '--identity <KEYPAIR>': %w", err)
	}
	logFolder := n.ledger
	if file := line.get("log", "-"); file != "-" {
		logFolder = filepath.Dir(file)
	}
	if err := mkdirs(n.ledger, logFolder, n.accounts(), n.snapshotFolder()); err != nil {
		return nil, nil, fmt.Errorf("Error: Unable to create directory: %w", err)
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, nil, err
	}
	n.trace = trace{logFolder, n.start, podOf(string(mounts))}
	release, err := take(n.ledger, logFolder)
	if errors.Is(err, errTaken) {
		err = fmt.Errorf("Error: Unable to lock %s directory. Check if another validator is running", n.ledger)
		return nil, nil, errors.Join(err, n.trace.add(Run{Event: Refused, Args: line.args}))
	}
	if err != nil {
		return nil, nil, err
	}
	if n.log, err = openLog(line.get("log", "-")); err != nil {
		release()
		return nil, nil, fmt.Errorf("Error: Unable to open the log: %w", err)
	}
	return n, release, n.trace.add(Run{Event: Started, Args: line.args})
}

func (n *node) accounts() string {
	return strings.Split(n.line.get("accounts", filepath.Join(n.ledger, "accounts")), ",")[0]
}

// live starts all threads, waits until it is asked to exit, and ends them.
func (n *node) live() error {
	n.log.info("agave-validator %s", versionLine())
	n.log.info("Starting validator with: %q", n.line.args)
	f, err := readFault(n.ledger)
	if err != nil {
		return err
	}
	n.fault.Store(&f)
	if n.store, err = openStore(n.ledger); err != nil {
		return err
	}
	own, err := readArchives(n.snapshotFolder())
	if err != nil {
		return err
	}
	slot, err := startSlot(n.accounts(), own)
	if err != nil {
		return err
	}
	n.slot = float64(slot)
	ctx, end := context.WithCancel(context.Background())
	defer end()
	var threads sync.WaitGroup
	if err := n.threads(ctx, &threads, own); err != nil {
		return err
	}
	if err := n.startUp(ctx, f, slot); err != nil {
		return err
	}
	<-n.exiting
	return n.exit(end, &threads)
}

// threads starts what runs from the first moment on.
func (n *node) threads(ctx context.Context, group *sync.WaitGroup, own []archive) error {
	if err := n.serveAdmin(ctx); err != nil {
		return err
	}
	if err := goOn(ctx, writers(n.ledger, n.accounts()), group, n.log); err != nil {
		return err
	}
	group.Go(func() { n.follow(ctx) })
	group.Go(func() { n.hold(ctx) })
	group.Go(func() { n.purge(ctx, own) })
	rotate := make(chan os.Signal, 1)
	signal.Notify(rotate, syscall.SIGUSR1)
	go func() {
		for range rotate {
			if err := n.log.reopen(); err != nil {
				fmt.Fprintln(os.Stderr, err)
			}
		}
	}()
	return nil
}

// startUp is silent on the RPC port until the snapshot is unpacked and indexed. Who asks to exit meanwhile is heard.
func (n *node) startUp(ctx context.Context, f Fault, slot uint64) error {
	took := seconds(f.StartSeconds)
	if took == 0 {
		took = time.Second
	}
	until, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		select {
		case <-n.exiting:
			stop()
		case <-until.Done():
		}
	}()
	n.unpack(until, took, slot)
	if f.StartFails != "" {
		return errors.New(f.StartFails)
	}
	if until.Err() != nil {
		return nil
	}
	if err := n.gossip(ctx); err != nil {
		return err
	}
	if err := n.serveRPC(ctx); err != nil {
		return err
	}
	n.phase(running)
	n.log.info("Validator initialized")
	if file := n.line.get("init-complete-file", ""); file != "" {
		return os.WriteFile(file, nil, 0o644)
	}
	return nil
}

// gossip takes the ports that a second validator in the same network finds taken.
func (n *node) gossip(ctx context.Context) error {
	host := n.line.get("bind-address", "0.0.0.0")
	ports := []string{n.line.get("gossip-port", "8001"), fmt.Sprint(lowPort(n.line.get("dynamic-port-range", "8000-10000")) + 1)}
	for _, port := range ports {
		c, err := net.ListenPacket("udp", net.JoinHostPort(host, port))
		if err != nil {
			return fmt.Errorf("bind gossip and TVU: %w", err)
		}
		context.AfterFunc(ctx, func() { c.Close() })
		go func() {
			named("solRcvrGossip")
			for buffer := make([]byte, 2048); ; {
				if _, _, err := c.ReadFrom(buffer); err != nil {
					return
				}
			}
		}()
	}
	return nil
}

// exit ends the threads and waits for them: for ever, where one is in D state, until the process ends harder.
func (n *node) exit(end func(), threads *sync.WaitGroup) error {
	n.log.warn("validator exit requested")
	f := n.faults()
	if f.Exit == ExitDirty {
		return errDirty
	}
	slow := 200 * time.Millisecond
	if f.Exit == ExitSlow || f.ExitSeconds > 0 {
		slow = seconds(f.ExitSeconds)
	}
	time.Sleep(slow)
	slot := n.processed()
	end()
	done := make(chan struct{})
	go func() { threads.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(harder):
		n.log.fail("validator exit timeout")
		os.Exit(0)
	}
	if err := os.WriteFile(stateFile(n.accounts()), fmt.Appendln(nil, slot), 0o644); err != nil {
		return err
	}
	n.log.info("Validator exiting..")
	return n.trace.add(Run{Event: Exited, Slot: slot})
}
