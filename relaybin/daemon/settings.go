package daemon

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/agext/levenshtein"
	"github.com/peterbourgon/ff/v3"
)

// BadSetting is a setting that cannot be used. Main adds what was given and where.
type BadSetting struct {
	Name   string // the setting, without dashes; empty when no single one is to blame
	From   string // where it was given, when the error's maker knows it; else Main looks it up
	Err    error  // what is wrong
	Remedy string // what to write instead
}

func (b *BadSetting) Error() string {
	if b.Name == "" {
		return b.Err.Error()
	}
	return "--" + b.Name + ": " + b.Err.Error()
}

func (b *BadSetting) Unwrap() error { return b.Err }

// Bad reports from a Command's Check (or Dry, or Run) that the named setting cannot be used, and the remedy.
func Bad(name, remedy, format string, args ...any) error {
	return &BadSetting{Name: name, Remedy: remedy, Err: fmt.Errorf(format, args...)}
}

// settings are the flags after command line, environment and file have spoken, in this order of precedence.
type settings struct {
	command Command
	flags   *flag.FlagSet
	from    map[string]string // setting -> where it was given: "flag", "SHREDMIRROR_TO", "/etc/x.conf:3"
	source  string            // where the values now being set come from
	bad     *BadSetting       // the first value that a flag refused

	config, metrics    string
	dry, once, version bool
	limit              time.Duration
}

// noted is a flag's value that remembers where it was set from: neither flag nor ff keeps that.
type noted struct {
	flag.Value
	name string
	s    *settings
}

func (n noted) Set(value string) error {
	from := n.s.source
	if from == "" {
		from = n.s.env(n.name)
	}
	err := n.Value.Set(value)
	if err != nil && n.s.bad == nil {
		n.s.bad = &BadSetting{Name: n.name, From: from, Err: fmt.Errorf("%q %w", value, n.misread(err)), Remedy: strings.ReplaceAll(n.s.flags.Lookup(n.name).Usage, "`", "")}
	}
	n.s.from[n.name] = from
	return err
}

// misread says what the value is not: package flag says "parse error" of each.
func (n noted) misread(err error) error {
	getter, ok := n.Value.(flag.Getter)
	if !ok {
		return fmt.Errorf("is not understood: %w", err)
	}
	switch getter.Get().(type) {
	case bool:
		return errors.New("is neither true nor false")
	case time.Duration:
		return errors.New("is no duration, such as 10s or 2m")
	case uint, uint64:
		return errors.New("is no whole number from 0 on")
	case int, int64:
		return errors.New("is no whole number")
	}
	return fmt.Errorf("is not understood: %w", err)
}

func (n noted) IsBoolFlag() bool { return isSwitch(n.Value) }

func (c Command) settings(args []string) (*settings, error) {
	s := &settings{command: c, flags: flag.NewFlagSet(c.Name, flag.ContinueOnError), from: map[string]string{}}
	s.flags.SetOutput(io.Discard)
	s.flags.Usage = func() {}
	s.flags.StringVar(&s.config, "config", "", "`PATH` of a file with lines \"name value\"; flags and environment win over it")
	s.flags.StringVar(&s.metrics, "metrics", c.Metrics, "`HOST:PORT` of /metrics and /healthz; empty for none")
	s.flags.BoolVar(&s.dry, "dry", false, "say what would be done with which settings, and exit")
	s.flags.BoolVar(&s.once, "once", false, "set everything up, wait for a first packet, say what came, and exit")
	s.flags.DurationVar(&s.limit, "once-limit", 10*time.Second, "how long --once waits, a `DURATION` such as 30s")
	s.flags.BoolVar(&s.version, "version", false, "print version, platform and digest, and exit")
	if c.Flags != nil {
		c.Flags(s.flags)
	}
	s.flags.VisitAll(func(f *flag.Flag) { f.Value = noted{f.Value, f.Name, s} })
	err := s.parse(args)
	if s.bad != nil { // flag and ff keep only the text of it
		err = s.bad
	}
	if err == nil && s.limit <= 0 {
		err = Bad("once-limit", "give how long to wait, such as 10s", "%s is no time to wait", s.limit)
	}
	if err == nil {
		err = s.checkMetrics()
	}
	return s, err
}

// checkMetrics refuses what can never be listened on: the daemon would try it again for ever, and nobody could ask it anything.
func (s *settings) checkMetrics() error {
	if s.metrics == "" {
		return nil
	}
	_, port, err := net.SplitHostPort(s.metrics)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return Bad("metrics", "give HOST:PORT, such as "+s.command.Metrics, "%q: %w", s.metrics, err)
	}
	return nil
}

func (s *settings) parse(args []string) error {
	s.source = "flag"
	if err := s.flags.Parse(args); err != nil {
		if name, ok := strings.CutPrefix(err.Error(), "flag provided but not defined: -"); ok {
			return s.unknown(name, "flag", "--"+name)
		}
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return &BadSetting{From: "flag", Err: err, Remedy: "see --help"}
	}
	if s.flags.NArg() > 0 {
		return &BadSetting{From: "flag", Err: fmt.Errorf("argument %q belongs to no setting", s.flags.Arg(0)), Remedy: "write --name value; see --help"}
	}
	s.source = "" // the environment: noted finds the variable's name
	if err := ff.Parse(s.flags, nil, ff.WithEnvVarPrefix(s.prefix())); err != nil {
		return err
	}
	if err := s.strangers(); err != nil {
		return err
	}
	err := ff.Parse(s.flags, nil, ff.WithConfigFileFlag("config"), ff.WithConfigFileParser(s.file))
	var unread *fs.PathError
	if errors.As(err, &unread) {
		return &BadSetting{Name: "config", Err: err, Remedy: "name a file that the daemon's user can read"}
	}
	return err
}

// file reads ff's plain form a line at a time, so that an error can name the line.
func (s *settings) file(r io.Reader, set func(name, value string) error) error {
	lines, seen := bufio.NewScanner(r), map[string]string{}
	for n := 1; lines.Scan(); n++ {
		at := fmt.Sprintf("%s:%d", s.config, n)
		text := strings.ReplaceAll(lines.Text(), "\t", " ") // the parser parts by a space only
		err := ff.PlainParser(strings.NewReader(text), func(name, value string) error {
			if name == "config" {
				return &BadSetting{Name: name, From: at, Err: errors.New("is no setting for a file"), Remedy: "take the line away: a file names no other"}
			}
			if s.flags.Lookup(name) == nil {
				return s.unknown(name, at, name)
			}
			if before, twice := seen[name]; twice && !s.repeats(name) {
				return &BadSetting{Name: name, From: at, Err: fmt.Errorf("is set at %s already", before), Remedy: "keep one of the two lines"}
			}
			if strings.TrimSpace(text) == name && !isSwitch(s.flags.Lookup(name).Value) {
				value = "" // the parser makes "true" of it, which is no address
			}
			seen[name], s.source = at, at
			return set(name, value)
		})
		if err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("reading %s: %w", s.config, err)
	}
	return nil
}

// isSwitch reports whether a setting needs no value.
func isSwitch(v flag.Value) bool {
	b, ok := v.(interface{ IsBoolFlag() bool })
	return ok && b.IsBoolFlag()
}

// strangers refuses a variable with our prefix that sets nothing: a misspelt one would be ignored for ever.
func (s *settings) strangers() error {
	known := map[string]bool{}
	s.flags.VisitAll(func(f *flag.Flag) { known[s.env(f.Name)] = true })
	for _, pair := range os.Environ() {
		name, _, _ := strings.Cut(pair, "=")
		if rest, ours := strings.CutPrefix(name, s.prefix()+"_"); ours && !known[name] {
			return s.unknown(strings.ToLower(strings.ReplaceAll(rest, "_", "-")), "environment", name)
		}
	}
	return nil
}

func (s *settings) unknown(name, from, written string) error {
	best, least := "see --help for the names", 4
	s.flags.VisitAll(func(f *flag.Flag) {
		if d := levenshtein.Distance(name, f.Name, nil); d < least {
			best, least = "did you mean "+f.Name+"?", d
		}
	})
	return &BadSetting{From: from, Err: fmt.Errorf("%s: no such setting", written), Remedy: best}
}

// repeats reports whether each line of a setting adds to the ones before it: its value says so.
func (s *settings) repeats(name string) bool {
	value, ok := s.flags.Lookup(name).Value.(noted)
	if !ok {
		return false
	}
	several, ok := value.Value.(interface{ Repeats() bool })
	return ok && several.Repeats()
}

func (s *settings) prefix() string { return strings.ToUpper(s.command.Name) }

func (s *settings) env(name string) string {
	return s.prefix() + "_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

// explain is the line for a bad setting: which, where it was given, what is wrong, what to do.
func (s *settings) explain(bad *BadSetting) string {
	from := bad.From
	if from == "" {
		from = s.origin(bad.Name)
	}
	line := bad.Error()
	if from != "" {
		line += " (from " + from + ")"
	}
	if bad.Remedy != "" {
		line += "; " + bad.Remedy
	}
	return line
}

func (s *settings) origin(name string) string {
	if name == "" {
		return ""
	}
	if from, given := s.from[name]; given {
		return from
	}
	return "default"
}

// print lists the resolved settings with where each comes from.
func (s *settings) print(w io.Writer) {
	var names []string
	s.flags.VisitAll(func(f *flag.Flag) { names = append(names, f.Name) })
	sort.Strings(names)
	fmt.Fprintln(w, "settings:")
	for _, name := range names {
		value := s.flags.Lookup(name).Value.String()
		if value == "" {
			value = "(none)"
		}
		fmt.Fprintf(w, "  %-20s %-30s %s\n", name, value, s.origin(name))
	}
}
