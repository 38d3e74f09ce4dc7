// Command bisc-snapshot finds, fetches, moves and prunes a validator's snapshots on the host that it runs on. bisc puts it
// there and runs it; it can be run by hand as well.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"bisc/hostbin/cluster"
	"bisc/hostbin/fetch"
	"bisc/hostbin/snapshots"
)

// Exit statuses: 0 done, 1 failed or misused, 3 there is no fresh pair to be had.
func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout)
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, "bisc-snapshot:", err)
	stop()
	if errors.Is(err, fetch.ErrNothing) {
		os.Exit(3)
	}
	os.Exit(1)
}

func run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) == 0 || args[0] == "--help" || args[0] == "-h" {
		newSettings("").help(out)
		return nil
	}
	s := newSettings(args[0])
	if err := s.read(args[1:]); err != nil {
		return err
	}
	switch args[0] {
	case "find":
		return find(ctx, s, out)
	case "fetch":
		return fetchPair(ctx, s, out)
	case "prune":
		return prune(s, out)
	case "install":
		return install(s, out)
	}
	return fmt.Errorf("there is no command %q: find, fetch, prune or install", args[0])
}

func (s *settings) client() (*cluster.Client, error) {
	if s.rpc == "" {
		return nil, errors.New("--rpc: give the URL of an RPC of the cluster")
	}
	return cluster.New(s.rpc, s.from, s.bandwidth)
}

func find(ctx context.Context, s *settings, out io.Writer) error {
	c, err := s.client()
	if err != nil {
		return err
	}
	say := fetch.NewProgress("find", out, s.state, s.every)
	f := s.finding()
	f.Say = say.Step
	found, err := c.Find(ctx, f)
	if err == nil {
		say.Found(found)
		if len(found.Taken) == 0 {
			err = fmt.Errorf("%w: %s", fetch.ErrNothing, found.Help())
		}
	}
	if err == nil {
		best := found.Taken[0]
		p, _ := best.Pair()
		fmt.Fprintf(out, "%d sources of %d nodes; the fastest is %s at %s/s: %s, %d slots behind\n", len(found.Taken), found.Nodes, best.RPC, snapshots.Bytes(best.Speed), p, snapshots.Behind(p.Slot(), found.Tip))
	}
	return errors.Join(err, say.End(nil, err))
}

func fetchPair(ctx context.Context, s *settings, out io.Writer) error {
	c, err := s.client()
	if err != nil {
		return err
	}
	say := fetch.NewProgress("fetch", out, s.state, s.every)
	o := s.order()
	o.Finding.Say = say.Step
	result, err := fetch.Run(ctx, c, o, say)
	if err == nil {
		fmt.Fprintln(out, result)
	}
	return errors.Join(err, say.End(result, err))
}

func prune(s *settings, out io.Writer) error {
	look := func() (snapshots.Pruned, error) { return fetch.Look(s.into, s.age) }
	if s.apply {
		look = func() (snapshots.Pruned, error) { return fetch.Prune(s.into, s.age, s.rest) }
	}
	p, err := look()
	if err != nil {
		return err
	}
	if s.json {
		return json.NewEncoder(out).Encode(p)
	}
	for _, f := range p.Stays {
		fmt.Fprintf(out, "  stays  %s (%s): %s\n", f.Name, snapshots.Bytes(f.Size), f.Why)
	}
	word := "would go"
	if s.apply {
		word = "gone"
	}
	for _, f := range p.Goes {
		fmt.Fprintf(out, "  %s  %s (%s): %s\n", word, f.Name, snapshots.Bytes(f.Size), f.Why)
	}
	return nil
}

func install(s *settings, out io.Writer) error {
	if len(s.have) != 1 || s.into == "" {
		return errors.New("install takes --have FOLDER and --into FOLDER")
	}
	p, err := fetch.Install(s.have[0], s.into)
	if err == nil {
		fmt.Fprintf(out, "%s is in %s\n", p, s.into)
	}
	return err
}

// every is how often a line is said, where nothing new happens.
const every = 5 * time.Second
