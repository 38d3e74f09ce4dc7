// Command bisc shows, makes and proves changes on the hosts of a bare-metal Solana site.
//
// Each verb is one file: flags in, an operation of package layers, a view out.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"bisc/cmd/bisc/view"
	"bisc/internal/journal"
	"bisc/plans"
)

func main() {
	undumped()
	os.Exit(Main(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// Main is bisc as a function, for tests: arguments in, exit status out.
func Main(ctx context.Context, args []string, in io.Reader, out, errs io.Writer) int {
	c := &command{in: in, out: out, errs: errs}
	root := c.root()
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errs)
	ctx, done := c.interrupts(ctx)
	defer done()
	status, unsaid := outcome(root.ExecuteContext(ctx))
	if unsaid != nil {
		c.complain(unsaid)
	}
	return status
}

// outcome is the exit status of a verb's error, and what of it was not said yet: a report that was shown ends in an
// exitStatus, which may be joined with reasons that the report does not hold.
func outcome(err error) (status int, unsaid error) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok && errors.As(err, new(exitStatus)) {
		status := view.ExitOK
		for _, e := range joined.Unwrap() {
			of, words := outcome(e)
			status, unsaid = view.Worst(status, of), errors.Join(unsaid, words)
		}
		return status, unsaid
	}
	var said exitStatus
	if errors.As(err, &said) {
		return int(said), nil
	}
	return view.OfError(err), err
}

// exitStatus ends a verb that has already said what there was to say.
type exitStatus int

// Error is for errors.As only; it is never shown.
func (e exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// command is what all verbs share: streams, common flags, and what an interrupt closes.
type command struct {
	in        io.Reader
	out, errs io.Writer
	flags     flags
	typed     chan string   // lines of in; nil until one is wanted
	stop      chan struct{} // closed by the first interrupt
	started   time.Time
	run       plans.Run         // which this is
	inRun     *plans.Run        // of a runbook that is begun, else nil: run.* is not known
	taken     map[string]string // of the environment, by keepToOurselves
}

func (c *command) root() *cobra.Command {
	c.started = time.Now()
	c.run = plans.Run{ID: journal.NewRunID(), Started: c.started.UTC()}
	root := &cobra.Command{
		Use:           "bisc",
		Short:         "show, make and prove changes on validator hosts and their switches",
		Long:          "bisc shows what differs between hosts and their plan, changes it, and proves that it took.\n\nExit status, the same for all verbs:\n" + indent(view.ExitTable()),
		Version:       version(),
		SilenceErrors: true, SilenceUsage: true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	c.flags.common(root)
	root.AddGroup(&cobra.Group{ID: "plan", Title: "Plans:"}, &cobra.Group{ID: "host", Title: "Hosts:"}, &cobra.Group{ID: "other", Title: "More:"})
	for _, verb := range []struct {
		group string
		make  func() *cobra.Command
	}{
		{"plan", c.validate}, {"plan", c.fmt}, {"plan", c.graph}, {"plan", c.explain}, {"plan", c.guards},
		{"host", c.plan}, {"host", c.apply}, {"host", c.runbook}, {"host", c.check}, {"host", c.status}, {"host", c.drift}, {"host", c.schedule}, {"host", c.discover}, {"host", c.hosts}, {"host", c.who}, {"host", c.hold}, {"host", c.relay}, {"host", c.image}, {"host", c.snapshot}, {"host", c.eos},
		{"other", c.journal}, {"other", c.history}, {"other", c.schema}, {"other", c.completion}, {"other", c.version},
	} {
		cmd := verb.make()
		cmd.GroupID = verb.group
		c.completes(cmd)
		root.AddCommand(cmd)
	}
	root.AddCommand(c.bashLine())
	_ = root.RegisterFlagCompletionFunc("set", c.completeVariables) // fails only for a flag that is not there
	root.SetHelpCommandGroupID("other")
	return root
}

// complain prints an error as bisc's own line.
func (c *command) complain(err error) {
	fmt.Fprintf(c.errs, "bisc: %s\n", view.CleanText(err.Error()))
}
