package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"bisc/cmd/bisc/view"
	"bisc/plans"
)

func (c *command) explain() *cobra.Command {
	return &cobra.Command{
		Use:   "explain ADDRESS",
		Short: "say of a resource where it is declared, where each value came from, what it checks, what it may destroy and what guards that",
		Args:  cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			l, err := c.load()
			if err != nil {
				return err
			}
			e, err := l.plan.Explain(args[0])
			if err != nil {
				return err
			}
			var text strings.Builder
			explanation(&text, e)
			fmt.Fprint(c.out, view.CleanText(text.String()))
			return nil
		},
		ValidArgsFunction: c.completeAddresses,
	}
}

// explanation writes what the plan knows of an item, from what it is to what it may do.
func explanation(w io.Writer, e plans.Explanation) {
	fmt.Fprintf(w, "%s\n  declared at  %s\n  kind         %s", e.Address, e.Where, e.Kind)
	if e.Label != "" {
		fmt.Fprintf(w, " %q", e.Label)
	}
	fmt.Fprintln(w)
	if e.Invariant {
		fmt.Fprintf(w, "  invariant    checked, never repaired: %s\n", e.Because)
	}
	if e.From != "" {
		fmt.Fprintf(w, "  from         observed on %s\n", e.From)
	}
	if len(e.Assumes) > 0 {
		fmt.Fprintf(w, "  assumes      the invariants of %s\n", strings.Join(e.Assumes, ", "))
	}
	if e.Condition != "" {
		fmt.Fprintf(w, "  condition    %s\n", e.Condition)
		origins(w, "    ", e.Origins)
	}
	values(w, e.Attributes)
	listed(w, "checks", e.Checks)
	listed(w, "owns", e.Owns)
	if e.Doc != "" {
		fmt.Fprintf(w, "  about\n    %s\n", strings.ReplaceAll(strings.TrimSpace(e.Doc), "\n", "\n    "))
	}
	for _, loss := range e.Losses {
		fmt.Fprintf(w, "  may destroy  %s\n    when       %s\n", loss.What, loss.When)
		for _, g := range loss.Guards {
			fmt.Fprintf(w, "    guard      %s\n", g)
		}
	}
}

func values(w io.Writer, attrs []plans.ExplainedAttribute) {
	for _, a := range attrs {
		if a.Where == "" {
			continue
		}
		fmt.Fprintf(w, "  %s = %s    (%s)\n", a.Name, a.Value, a.Where)
		origins(w, "    ", a.Origins)
	}
}

func origins(w io.Writer, indent string, all []plans.Origin) {
	for _, o := range all {
		fmt.Fprintf(w, "%s%s%s = %s    (%s)\n", indent, strings.Repeat("  ", o.Depth), o.Name, o.Value, o.From)
	}
}

func listed(w io.Writer, what string, lines []string) {
	if len(lines) == 0 {
		return
	}
	fmt.Fprintf(w, "  %s\n", what)
	for _, l := range lines {
		fmt.Fprintf(w, "    %s\n", l)
	}
}
