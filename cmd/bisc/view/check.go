package view

import (
	"fmt"
	"io"
	"strings"
)

// Formats lists the formats of check.
func Formats() []string { return []string{"text", "json", "junit", "tap", "prometheus", "nagios"} }

// Check writes a document in one of Formats. The error is the writer's, or that there is no such format.
func Check(w io.Writer, format string, doc Document, o Options) error {
	switch format {
	case "text":
		return TextOf(w, doc, o)
	case "json":
		return JSON(w, doc)
	case "junit":
		return junit(w, doc)
	case "tap":
		return tap(w, doc)
	case "prometheus":
		return prometheus(w, doc)
	case "nagios":
		return nagios(w, doc)
	}
	return fmt.Errorf("there is no format %q: write one of %s", format, strings.Join(Formats(), ", "))
}

// verdict is what a check says of an item. It never says worse or better than the exit status does.
type verdict int

const (
	passes   verdict = iota
	fails            // it counts
	diverges         // a resource that is not as wanted, where only invariants count
	errs             // unknown, or bisc failed
	skips            // held, or not reached
)

// verdictOf judges an item for the formats that know only pass and fail.
func verdictOf(verb string, it Item) verdict {
	switch classOf(verb, it) {
	case inSync, changed:
		return passes
	case unknown:
		return errs
	case held, notReached, waiting:
		return skips
	case willChange, willDestroy, differs:
		if verb == "check" {
			return diverges
		}
	}
	return fails
}

// local is an item's address without its host, which stands elsewhere in these formats.
func local(it Item, h Host) string {
	return Clean(strings.TrimPrefix(it.Address, h.Host+":"))
}

// brief says in one line what is wrong with an item.
func brief(verb string, it Item) string {
	p := page{Options: Options{Verb: verb}}
	if it.Reason != "" && verdictOf(verb, it) == skips {
		return p.value(it.Reason)
	}
	first, _ := p.facts(it, classOf(verb, it))
	if it.From != "" && verdictOf(verb, it) == fails {
		first += " (observed on " + p.value(it.From) + ")"
	}
	if it.Because != "" && verdictOf(verb, it) == fails {
		first += " (because " + p.value(it.Because) + ")"
	}
	return first
}

// details says everything that is wrong with an item, a line each.
func details(verb string, it Item) string {
	p := page{Options: Options{Verb: verb}}
	first, rest := p.facts(it, classOf(verb, it))
	return strings.Join(append([]string{first}, rest...), "\n")
}
