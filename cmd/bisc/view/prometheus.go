package view

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// prometheus writes the text exposition format, for the textfile collector. What is unknown has no bisc_check_ok: an
// alert on 0 is not about it; bisc_check_unknown is.
func prometheus(w io.Writer, doc Document) error {
	p := metrics{Writer: bufio.NewWriter(w), doc: doc}
	p.perItem("bisc_check_ok", "1: in sync, or the invariant holds; 0: not; unknown and not reached have no sample.", func(it Item) (string, bool) {
		return okSample(doc.Verb, it)
	})
	p.perItem("bisc_check_unknown", "1: could not be observed.", func(it Item) (string, bool) {
		return number(it.State == "unknown"), true
	})
	p.family("bisc_check_state", "1, with what is known of the item as the label state.")
	p.each(func(h Host, it Item) { p.sample("bisc_check_state", append(itemLabels(h, it), "state", it.State), "1") })
	p.perItem("bisc_check_duration_seconds", "How long the observation took.", func(it Item) (string, bool) {
		return float(it.TookMs / 1000), true
	})
	p.hosts()
	p.run()
	return p.Flush()
}

// okSample gives 1 or 0, and nothing for what is not known.
func okSample(verb string, it Item) (string, bool) {
	switch classOf(verb, it) {
	case unknown, notReached, waiting:
		return "", false
	case inSync, changed:
		return number(len(it.Left) == 0), true
	}
	return "0", true
}

// metrics is an exposition being written; bufio keeps the error for Flush.
type metrics struct {
	*bufio.Writer
	doc Document
}

func (p metrics) family(name, help string) {
	fmt.Fprintf(p, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name)
}

func (p metrics) sample(name string, labels []string, value string) {
	var pairs []string
	for i := 0; i+1 < len(labels); i += 2 {
		pairs = append(pairs, labels[i]+`="`+labelValue(labels[i+1])+`"`)
	}
	set := ""
	if len(pairs) > 0 {
		set = "{" + strings.Join(pairs, ",") + "}"
	}
	fmt.Fprintf(p, "%s%s %s\n", name, set, value)
}

func (p metrics) perItem(name, help string, value func(Item) (string, bool)) {
	p.family(name, help)
	p.each(func(h Host, it Item) {
		if v, ok := value(it); ok {
			p.sample(name, itemLabels(h, it), v)
		}
	})
}

func (p metrics) each(f func(Host, Item)) {
	for _, h := range p.doc.Hosts {
		for _, it := range h.Items {
			f(h, it)
		}
	}
}

func (p metrics) hosts() {
	p.family("bisc_host_reachable", "1: the host was observed; 0: it could not be reached.")
	for _, h := range p.doc.Hosts {
		p.sample("bisc_host_reachable", []string{"host", h.Host}, number(h.ErrorStatus != ExitUnreachable))
	}
	p.family("bisc_host_error", "1: nothing is known of the host: not reached, locked, or not identified.")
	for _, h := range p.doc.Hosts {
		p.sample("bisc_host_error", []string{"host", h.Host}, number(h.Error != ""))
	}
}

func (p metrics) run() {
	for _, m := range []struct{ name, help, value string }{
		{"bisc_check_timestamp_seconds", "When the observation began, as seconds since 1970.", float(float64(p.doc.Started.UnixMilli()) / 1000)},
		{"bisc_check_run_duration_seconds", "How long the run took.", float(p.doc.TookMs / 1000)},
		{"bisc_check_exit_status", "The exit status of bisc.", strconv.Itoa(p.doc.ExitStatus)},
	} {
		p.family(m.name, m.help)
		p.sample(m.name, []string{"verb", p.doc.Verb}, m.value)
	}
}

func itemLabels(h Host, it Item) []string {
	return []string{"host", h.Host, "layer", it.Stage, "kind", it.Kind, "address", it.Address, "invariant", strconv.FormatBool(it.Invariant)}
}

// labelValue escapes as the format wants it, after Clean: the file is looked at on terminals too.
func labelValue(s string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(Clean(s))
}

func number(yes bool) string {
	if yes {
		return "1"
	}
	return "0"
}

func float(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
