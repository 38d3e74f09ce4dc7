package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"bisc/relaybin/meter"
)

// headline answers the question of the tip in a line.
func headline(r *meter.Report) string {
	t := &r.Tip
	if !t.Known {
		if t.Age == nil {
			return "tip unknown: no shred has come"
		}
		return fmt.Sprintf("tip unknown: no shred for %.0f s, or nothing is judged yet", *t.Age)
	}
	speed := "not measured yet"
	if t.SlotsPerSecond != nil {
		speed = fmt.Sprintf("%.2f slots/s", *t.SlotsPerSecond)
	}
	broken := ""
	if t.BrokenBy != nil {
		broken = fmt.Sprintf(", after slot %d (%s)", t.BrokenBy.Slot, t.BrokenBy.State)
	}
	if t.Run == nil {
		return fmt.Sprintf("tip %d is not contiguous%s; %s", *t.Slot, broken, speed)
	}
	return fmt.Sprintf("tip %d is contiguous from slot %d on: %d complete slots, %d skipped, %.1f s%s; %s",
		*t.Slot, t.Run.First, t.Run.Slots, t.Run.Skipped, t.Run.Seconds, broken, speed)
}

// printReport writes the report for a person.
func printReport(w io.Writer, r *meter.Report) {
	fmt.Fprintln(w, headline(r))
	fmt.Fprintf(w, "slots judged: %s\nsets judged: %s\n", counts(r.Totals.Slots), counts(r.Totals.Sets))
	if r.Totals.Equivocations+r.Totals.Conflicts > 0 {
		fmt.Fprintf(w, "equivocations: %d; shreds that contradict their set: %d\n", r.Totals.Equivocations, r.Totals.Conflicts)
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "\npath\tpresent\tshreds\tunique\tduplicate\tfirst\tonly\tresigned\tcomplete alone\tlead p10\tp50\tp90\t")
	for _, p := range r.Paths {
		present, lead := "yes", "-\t-\t-"
		if !p.Present {
			present = "absent"
		}
		if p.Lead != nil {
			lead = fmt.Sprintf("%+.1f ms\t%+.1f ms\t%+.1f ms", 1000*p.Lead.P10, 1000*p.Lead.P50, 1000*p.Lead.P90)
		}
		fmt.Fprintf(table, "%s\t%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%s\t\n", p.Name, present, p.Shreds, p.Unique, p.Duplicate, p.First, p.Only, p.Resigned, p.Complete, lead)
	}
	table.Flush()
	for _, p := range r.Paths {
		for _, rule := range slices.Sorted(maps.Keys(p.Refused)) {
			fmt.Fprintf(w, "%s: %d packets refused: %s\n", p.Name, p.Refused[rule], rule)
		}
	}
	printSlots(w, r.Slots)
	for i := range r.Marks {
		printMark(w, &r.Marks[i])
	}
}

func printSlots(w io.Writer, slots []meter.SlotReport) {
	if len(slots) == 0 {
		return
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "\nslot\tstate\tend\tby\tsets full\trecoverable\tpartial\tmissing\tdata\tcode\tcomplete after\t")
	for _, s := range slots {
		end, by := "?", "-"
		switch {
		case s.EndByFlag != nil && s.EndByChain != nil:
			end, by = fmt.Sprint(max(*s.EndByFlag, *s.EndByChain)), "flag, chain"
		case s.EndByFlag != nil:
			end, by = fmt.Sprint(*s.EndByFlag), "flag"
		case s.EndByChain != nil:
			end, by = fmt.Sprint(*s.EndByChain), "chain"
		}
		after := "-"
		if s.CompleteAfter != nil {
			after = fmt.Sprintf("%.3f s", *s.CompleteAfter)
		}
		fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%d\t%d\t%d\t%d\t%d\t%d\t%s\t\n", s.Slot, s.State, end, by, s.Sets["full"], s.Sets["recoverable"], s.Sets["partial"],
			s.Sets["missing"], s.Data, s.Code, after)
	}
	table.Flush()
}

// printMark writes what was before and after a mark, side by side.
func printMark(w io.Writer, c *meter.ComparisonReport) {
	fmt.Fprintf(w, "\nmark %q at %s\n", c.Name, c.At.Format("2006-01-02 15:04:05 MST"))
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "\twatched\tcomplete\tslots/s\tpath\tshreds/s\tfirst\tonly\tcomplete alone\tmean lead\t")
	for _, side := range []struct {
		name string
		w    *meter.WindowReport
	}{{"before", &c.Before}, {"after", &c.After}} {
		name, watched := side.name, fmt.Sprintf("%.0f s", side.w.Seconds)
		if !side.w.Settled {
			watched += ", growing"
		}
		complete, speed := "-", "-"
		if side.w.Complete != nil {
			complete = fmt.Sprintf("%.1f %%", 100**side.w.Complete)
		}
		if side.w.SlotsPerSecond != nil {
			speed = fmt.Sprintf("%.2f", *side.w.SlotsPerSecond)
		}
		for _, p := range side.w.Paths {
			lead := "-"
			if p.Lead != nil {
				lead = fmt.Sprintf("%+.1f ms", 1000**p.Lead)
			}
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%.0f\t%d\t%d\t%d\t%s\t\n", name, watched, complete, speed, p.Name, p.PerSecond, p.First, p.Only, p.CompleteAlone, lead)
			name, watched, complete, speed = "", "", "", ""
		}
	}
	table.Flush()
}

// counts are the non-zero ones, in the order of states.
func counts(all map[string]uint64) string {
	var parts []string
	for _, state := range []string{"full", "recoverable", "partial", "missing", "lost", "skipped", "unknown"} {
		if n := all[state]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, state))
		}
	}
	if len(parts) == 0 {
		return "none yet"
	}
	return strings.Join(parts, ", ")
}
