package main

import (
	"flag"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"bisc/hostbin/cluster"
	"bisc/hostbin/fetch"
	"bisc/hostbin/snapshots"
)

// settings are all that the commands take.
type settings struct {
	set *flag.FlagSet

	rpc, from, state, into, aria, version, known, formats string
	have, rest                                            []string
	bandwidth, minSpeed, reserve                          int64
	behind                                                snapshots.Span
	latency, timeout, measure, within, poll, age, every   time.Duration
	shredVersion, parallel, checks                        int
	misses, attempts, fulls                               int
	near                                                  uint64
	json, apply                                           bool
}

func newSettings(command string) *settings {
	s := &settings{set: flag.NewFlagSet(command, flag.ContinueOnError), behind: snapshots.Span{Slots: 20000}, minSpeed: 20 << 20}
	s.set.SetOutput(io.Discard)
	d := fetch.Defaults()
	s.reserve = d.Reserve
	f := s.set
	f.StringVar(&s.rpc, "rpc", "", "`URL` of an RPC of the cluster")
	f.StringVar(&s.from, "from", "", "`ADDRESS` or interface by which everything leaves this host")
	f.StringVar(&s.state, "state", "", "`FILE` that is kept up to date with how far it is, JSON")
	f.DurationVar(&s.every, "every", every, "`DURATION` between lines of progress")
	f.StringVar(&s.into, "into", "", "`FOLDER` of the snapshots")
	f.Func("have", "`FOLDER` of the same file system whose fulls may serve (repeatable); of install: the one to move from", func(v string) error { s.have = append(s.have, v); return nil })
	f.TextVar(&s.behind, "max-behind", s.behind, "`SLOTS` or time that a pair may be behind the cluster")
	bytesVar(f, &s.minSpeed, "min-speed", "`BYTES` a second that a source has to give")
	f.DurationVar(&s.latency, "max-latency", 0, "`DURATION` within which a source has to answer; 0 is any")
	f.StringVar(&s.version, "version", "", "`PREFIX` of the sources' version")
	f.IntVar(&s.shredVersion, "shred-version", 0, "`NUMBER` of the sources' shred version; 0 is any")
	f.StringVar(&s.known, "known", "", "`IDENTITIES` of the sources, with commas between; none is any")
	f.StringVar(&s.formats, "formats", "tar.zst,tar.lz4", "`FORMATS` that the validator reads")
	f.IntVar(&s.parallel, "parallel", 2000, "`NODES` that are asked at a time")
	f.DurationVar(&s.timeout, "timeout", 2*time.Second, "`DURATION` of a node's answer")
	f.IntVar(&s.checks, "checks", 10, "`NUMBER` of sources that are measured")
	f.DurationVar(&s.measure, "measure", 5*time.Second, "`DURATION` of a measurement")
	f.Uint64Var(&s.near, "close", d.Close, "`SLOTS` behind the cluster at which no newer incremental is fetched")
	f.DurationVar(&s.within, "within", d.Within, "`DURATION` for which incrementals are followed")
	f.DurationVar(&s.poll, "poll", d.Poll, "`DURATION` between two looks for a newer incremental")
	f.IntVar(&s.misses, "misses", d.Misses, "`NUMBER` of looks for an incremental before a full is taken for an orphan")
	f.IntVar(&s.attempts, "attempts", d.Attempts, "`NUMBER` of downloads that may fail")
	f.IntVar(&s.fulls, "fulls", d.Fulls, "`NUMBER` of fulls that are fetched at most")
	bytesVar(f, &s.bandwidth, "bandwidth", "`BYTES` a second that all downloads take together; 0 is no limit")
	bytesVar(f, &s.reserve, "reserve", "`BYTES` that stay free on the file system")
	f.StringVar(&s.aria, "aria", "auto", "`PATH` of aria2c, auto, or never: for a file that several sources serve with ranges")
	f.DurationVar(&s.age, "age", time.Hour, "`DURATION` for which a file was not changed before prune takes it")
	f.BoolVar(&s.apply, "apply", false, "prune removes, and does not only say what would go")
	f.BoolVar(&s.json, "json", false, "as JSON")
	return s
}

// bytesVar is a flag of a number of bytes; what it points to is the default.
func bytesVar(f *flag.FlagSet, to *int64, name, about string) { f.Var((*size)(to), name, about) }

type size int64

func (s *size) String() string { return strconv.FormatInt(int64(*s), 10) }
func (s *size) Set(text string) error {
	n, err := snapshots.ParseBytes(text)
	*s = size(n)
	return err
}

// help lists the settings as bisc reads them.
func (s *settings) help(out io.Writer) {
	fmt.Fprintln(out, "bisc-snapshot find|fetch|prune|install [settings] [names of files, for prune]")
	s.set.VisitAll(func(f *flag.Flag) {
		value, about := flag.UnquoteUsage(f)
		if b, ok := f.Value.(interface{ IsBoolFlag() bool }); ok && b.IsBoolFlag() {
			value = ""
		}
		fmt.Fprintf(out, "%s\n        %s (default %q)\n", strings.TrimRight("  --"+f.Name+" "+value, " "), about, f.DefValue)
	})
}

func (s *settings) read(args []string) error {
	if err := s.set.Parse(args); err != nil {
		return fmt.Errorf("%s: %w; bisc-snapshot --help lists the settings", s.set.Name(), err)
	}
	s.rest = s.set.Args()
	if len(s.rest) > 0 && s.set.Name() != "prune" {
		return fmt.Errorf("%s takes no %q", s.set.Name(), s.rest[0])
	}
	return nil
}

func (s *settings) finding() cluster.Finding {
	w := snapshots.Wants{MinSpeed: s.minSpeed, MaxLatency: s.latency, Version: s.version, ShredVersion: s.shredVersion, Known: words(s.known), Formats: words(s.formats)}
	return cluster.Finding{Wants: w, Behind: s.behind, Probing: cluster.Probing{Parallel: s.parallel, Timeout: s.timeout}, Checks: s.checks, Long: s.measure}
}

func (s *settings) order() fetch.Order {
	o := fetch.Defaults()
	o.Into, o.Have, o.Finding, o.Close, o.Within, o.Poll = s.into, s.have, s.finding(), s.near, s.within, s.poll
	o.Misses, o.Attempts, o.Fulls, o.Reserve, o.From, o.Cap = s.misses, s.attempts, s.fulls, s.reserve, s.from, s.bandwidth
	switch s.aria {
	case "never":
	case "auto":
		o.Aria, _ = exec.LookPath("aria2c") // where it is not, one connection does
	default:
		o.Aria = s.aria
	}
	return o
}

func words(list string) []string {
	if list == "" {
		return nil
	}
	return strings.Split(list, ",")
}
