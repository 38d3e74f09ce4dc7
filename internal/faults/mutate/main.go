// Mutate takes each guard out in turn and wants the test that is named for it to turn red: make mutate. With arguments it
// does the mutations whose names begin with one of them. It exits 1 when a guard is not missed.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"bisc/internal/faults/mutation"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, names []string) error {
	root, err := os.Getwd()
	if err != nil {
		return err
	}
	all, err := mutation.Load("internal/faults/mutations")
	if err != nil {
		return err
	}
	unmissed := 0
	sound := map[string]mutation.Result{}
	for _, m := range all {
		if !wanted(m.Name, names) {
			continue
		}
		if _, ok := sound[m.Test()]; !ok {
			if sound[m.Test()], err = m.Baseline(ctx, root); err != nil {
				return err
			}
		}
		verdict, r := mutation.Verdict("unsound"), sound[m.Test()]
		if r.Verdict == mutation.Green {
			if r, err = m.Run(ctx, root); err != nil {
				return err
			}
			verdict = r.Verdict
		}
		fmt.Printf("%-8s %5.1fs  %-28s %s\n", verdict, r.Took.Seconds(), m.Name, m.Why)
		if verdict != mutation.Red {
			unmissed++
			fmt.Printf("  go test %s, with %s changed:\n%s\n", m.Test(), m.File, indent(r.Output))
		}
	}
	if unmissed > 0 {
		return fmt.Errorf("%d guards could go unseen", unmissed)
	}
	return nil
}

func wanted(name string, of []string) bool {
	for _, o := range of {
		if strings.HasPrefix(name, o) {
			return true
		}
	}
	return len(of) == 0
}

func indent(text string) string {
	return "    " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n    ")
}
