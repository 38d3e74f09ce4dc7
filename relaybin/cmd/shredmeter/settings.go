package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"bisc/relaybin/daemon"
	"bisc/relaybin/meter"
)

// where is the default of --metrics, and where mark and report find the daemon.
const where = "127.0.0.1:9467"

// settings are shredmeter's own.
type settings struct {
	paths     paths
	reference string
	version   uint
	expire    time.Duration
	grace     time.Duration
	silence   time.Duration
	span      time.Duration
	warmup    time.Duration
	state     string
	format    string
}

func (s *settings) command() daemon.Command {
	return daemon.Command{
		Name:  "shredmeter",
		About: "tells how complete the blocks are that reach the validator, and by which path they came",
		Example: "shredmeter --path name=direct,device=eno1,port=8001,not-from=198.51.100.1/32 --path name=relay,device=eno1,port=8001,from=198.51.100.1/32\n" +
			"  shredmeter mark \"relay on\"      of the one that runs: part what comes from now on from what came before\n" +
			"  shredmeter report [--json]      of the one that runs: what it knows, and what the marks tell",
		Metrics: where,
		Flags:   s.flags,
		Check:   s.check,
		Dry:     s.dry,
		Run:     s.run,
	}
}

func (s *settings) flags(f *flag.FlagSet) {
	f.Var(&s.paths, "path", "`PATH` by which shreds come, as name=NAME,device=DEVICE,port=PORT[,form=bare|ip|sequenced][,from=CIDR][,not-from=CIDR][,to=ADDR], "+
		"or with pcap=FILE in place of device= to read a recording; again for each path, or several with ; between")
	f.StringVar(&s.reference, "reference", "", "`NAME` of the path that the lead of the others is measured against (default: the first)")
	f.UintVar(&s.version, "shred-version", 0, "the cluster's shred version, a `NUMBER` such as 50093 for mainnet; 0: any")
	f.DurationVar(&s.expire, "expire", 30*time.Second, "how long after its last shred a slot is judged, a `DURATION`")
	f.DurationVar(&s.grace, "grace", 2*time.Second, "how long after its last shred a slot that is not complete breaks the run, a `DURATION`")
	f.DurationVar(&s.silence, "silence", 10*time.Second, "after how long without a shred a path is absent, a `DURATION`")
	f.DurationVar(&s.span, "span", 15*time.Minute, "how much before and after a mark is compared, a `DURATION` up to 30m")
	f.DurationVar(&s.warmup, "warmup", time.Second, "slots seen within this `DURATION` of the first shred began before shredmeter did, and are in no total; recordings have none")
	f.StringVar(&s.state, "state", "", "`FILE` that keeps marks across restarts (default: marks.json in the folder that systemd's StateDirectory names)")
	f.StringVar(&s.format, "format", "text", "of the report on recordings: `text|json`")
}

func (s *settings) check() error {
	if len(s.paths) == 0 {
		return daemon.Bad("path", "give one for each way by which shreds come; see --help", "no path is set")
	}
	if len(s.paths) > meter.MaxPaths {
		return daemon.Bad("path", "leave some out", "%d paths, at most %d", len(s.paths), meter.MaxPaths)
	}
	if err := s.paths.check(); err != nil {
		return err
	}
	if s.version > 65535 {
		return daemon.Bad("shred-version", "take it from ip_echo or the validator's log", "%d does not fit 16 bits", s.version)
	}
	if s.format != "text" && s.format != "json" {
		return daemon.Bad("format", "write text or json", "%q", s.format)
	}
	for _, d := range []struct {
		name       string
		value      time.Duration
		least, max time.Duration
	}{{"expire", s.expire, time.Second, 2 * time.Minute}, {"grace", s.grace, 100 * time.Millisecond, s.expire}, {"silence", s.silence, time.Second, time.Hour},
		{"span", s.span, time.Minute, 30 * time.Minute}, {"warmup", s.warmup, 0, time.Minute}} {
		if d.value < d.least || d.value > d.max {
			return daemon.Bad(d.name, fmt.Sprintf("give %v to %v", d.least, d.max), "%v", d.value)
		}
	}
	if _, err := s.index(); err != nil {
		return err
	}
	return nil
}

// index is the reference's place among the paths.
func (s *settings) index() (int, error) {
	if s.reference == "" {
		return 0, nil
	}
	for i, p := range s.paths {
		if p.name == s.reference {
			return i, nil
		}
	}
	return 0, daemon.Bad("reference", "name one of "+s.paths.names(), "no path is called %q", s.reference)
}

func (s *settings) meter() (*meter.Meter, error) {
	reference, err := s.index()
	if err != nil {
		return nil, err
	}
	c := meter.Config{Reference: reference, Version: uint16(s.version), Expire: s.expire, Grace: s.grace, Silence: s.silence, Span: s.span}
	for _, p := range s.paths {
		c.Paths = append(c.Paths, p.name)
	}
	if !s.paths.recorded() {
		c.Warmup = s.warmup
	}
	return meter.New(c)
}

// file is where marks are kept; empty: nowhere.
func (s *settings) file() string {
	if s.state != "" {
		return s.state
	}
	if dir := os.Getenv("STATE_DIRECTORY"); dir != "" {
		return filepath.Join(dir, "marks.json")
	}
	return ""
}

func (s *settings) dry(_ context.Context, w io.Writer) error {
	for _, p := range s.paths {
		fmt.Fprintln(w, p.explain())
	}
	reference, err := s.index()
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "lead is measured against %s\n", s.paths[reference].name)
	if f := s.file(); f != "" {
		fmt.Fprintf(w, "marks are kept in %s\n", f)
	} else {
		fmt.Fprintln(w, "marks are not kept across restarts: neither --state nor STATE_DIRECTORY is set")
	}
	return nil
}
