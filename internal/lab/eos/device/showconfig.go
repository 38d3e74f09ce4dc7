package device

import (
	"fmt"
	"path"
	"regexp"
	"strings"
	"time"

	"bisc/internal/lab/eos/device/config"
)

func showConfig() []shower {
	return []shower{
		{words: "running-config", max: 99, answer: (*Shell).showRunning},
		{words: "startup-config", answer: func(s *Shell, _ []string) (answer, error) {
			text, err := s.d.startup()
			return answer{text: strings.Replace(text, "! Command: show running-config", "! Command: show startup-config", 1)}, err
		}},
		{words: "session-config", max: 3, answer: (*Shell).showSession},
		{words: "configuration sessions", answer: func(s *Shell, _ []string) (answer, error) { return s.sessions(false), nil }},
		{words: "configuration sessions detail", answer: func(s *Shell, _ []string) (answer, error) { return s.sessions(true), nil }},
		{words: "configuration lock", answer: func(s *Shell, _ []string) (answer, error) { return s.d.showLock(), nil }},
		{words: "configuration checkpoints", answer: func(s *Shell, _ []string) (answer, error) { return s.d.showCheckpoints() }},
	}
}

// showRunning: diffs, all, section; JSON is that of show/anta/show_running_config.
func (s *Shell) showRunning(args []string) (answer, error) {
	d := s.d
	text := d.document("show running-config", d.running)
	if len(args) > 0 && args[0] == "all" {
		args = args[1:] // [U]: what "all" adds is not public for this release; it is the same text here
	}
	switch {
	case len(args) == 0:
		return answer{text, object{{"header", headerLines(text)}, {"cmds", commands(d.running.Top())}}}, nil
	case args[0] == "diffs" && len(args) == 1:
		return d.savedDiff()
	case args[0] == "section" && len(args) > 1:
		re, err := regexp.Compile(strings.Trim(strings.Join(args[1:], " "), `"`))
		if err != nil {
			return answer{}, failed("Invalid regular expression")
		}
		return answer{text: sections(text, re)}, nil
	case args[0] == "section":
		return answer{}, incomplete()
	}
	return answer{}, invalid(3, args[0])
}

func headerLines(text string) []string {
	var lines []string
	for line := range strings.Lines(text) {
		if line[0] != '!' {
			break
		}
		lines = append(lines, strings.TrimSuffix(line, "\n"))
	}
	return lines[:max(0, len(lines)-1)]
}

func commands(nodes []*config.Node) object {
	o := object{}
	for _, n := range nodes {
		line := n.Line
		if n.Number() > 0 {
			line = fmt.Sprint(n.Number(), " ", line)
		}
		below := n.Below()
		if len(below) == 0 {
			o = append(o, field{line, nil})
			continue
		}
		o = append(o, field{line, object{{"cmds", commands(below)}}})
	}
	return o
}

// savedDiff is running against startup (eos.md B.1: text, empty when equal; the names in its header are [I]).
func (d *Device) savedDiff() (answer, error) {
	saved, err := d.startup()
	if err != nil {
		return answer{}, failed("Error reading startup-config: %v", err)
	}
	from := strings.Index(saved, "! device:")
	if from < 0 {
		from = 0
	}
	return answer{text: spaced(config.Unified(saved[from:], d.compared(d.running), "flash:/startup-config", "system:/running-config"))}, nil
}

// spaced: an empty line follows a diff (cli-transcripts/scrapli).
func spaced(diff string) string {
	if diff == "" {
		return ""
	}
	return diff + "\n"
}

// showSession is "show session-config [named N] [diffs]". Without a name it works inside a session only (eos.md 0.4).
func (s *Shell) showSession(args []string) (answer, error) {
	in, command := s.session, "show session-config"
	if len(args) > 0 && args[0] == "named" {
		if len(args) == 1 {
			return answer{}, incomplete()
		}
		if in = s.d.session(args[1]); in == nil || in.internal {
			return answer{}, failed("Session %s does not exist", args[1])
		}
		command += " named " + args[1]
		args = args[2:]
	}
	if in == nil {
		return answer{}, invalid(2, "session-config")
	}
	switch {
	case len(args) == 0:
		return answer{text: s.d.document(command, in.tree)}, nil
	case args[0] == "diffs" && len(args) == 1:
		diff := config.Unified(s.d.compared(s.d.running), s.d.compared(in.tree), "system:/running-config", "session:/"+in.name+"-session-config")
		return answer{text: spaced(diff)}, nil
	}
	return answer{}, invalid(3, args[0])
}

// sessions has the shape of the release (json/curated/configuration-sessions-*).
func (s *Shell) sessions(detail bool) answer {
	d := s.d
	pending, completed := d.limits()
	list, text := object{}, fmt.Sprintf("Maximum number of completed sessions: %d\nMaximum number of pending sessions: %d\n\n"+
		"  Name          State              User       Terminal   PID\n  ------------- ------------------ ---------- ---------- ---\n", completed, pending)
	for _, in := range d.sessions {
		list = append(list, field{in.name, d.sessionModel(in, s, detail)})
		text += fmt.Sprintf("  %-13s %-18s %-10s\n", in.name, d.state(in), in.user)
	}
	model := object{{"sessions", list}, {"maxSavedSessions", completed}, {"maxOpenSessions", pending},
		{"mergeOnCommit", d.has("service configuration session commit merge")},
		{"saveToStartupConfigOnCommit", d.has("service configuration session commit save startup-config")}}
	if t := d.timer; t != nil && d.modern() {
		model = append(model, field{"commitTimerSessionName", t.session.name}, field{"commitTimerExpireTime", seconds(t.expires)})
	}
	if d.faults.UnknownJSON {
		return answer{text, object{{"configSessions", object{{"entries", list}, {"timers", []any{}}}}, {"revision", 9}}}
	}
	return answer{text, model}
}

// state is the word of the release: up to 4.31 a session with a timer is pendingCommitTimer, from 4.32 on committed (eos.md 0.8).
func (d *Device) state(in *session) string {
	if in.state == "committed" && !d.modern() {
		return "pendingCommitTimer"
	}
	return in.state
}

// modern tells whether the release is 4.32 or later.
func (d *Device) modern() bool {
	var major, minor int
	fmt.Sscanf(d.o.Version, "%d.%d", &major, &minor)
	return major > 4 || major == 4 && minor >= 32
}

func (d *Device) sessionModel(in *session, asks *Shell, detail bool) object {
	o := object{{"state", d.state(in)}}
	if !in.completed.IsZero() {
		o = append(o, field{"completedTime", seconds(in.completed)})
	}
	if t := d.timer; t != nil && t.session == in && !d.modern() {
		o = append(o, field{"commitBy", seconds(t.expires)})
	}
	instances := map[string]any{}
	for shell, n := range in.inside {
		instances[fmt.Sprint(n)] = object{{"user", shell.user}, {"terminal", shell.tty}, {"currentTerminal", shell == asks}}
	}
	o = append(o, field{"commitUser", in.user}, field{"description", ""})
	if detail {
		o = append(o, field{"instances", instances})
	}
	return o
}

func seconds(t time.Time) float64 { return float64(t.UnixMicro()) / 1e6 }

// showLock is json/curated/configuration-lock.json; a free lock is an empty userInfo ([I]).
func (d *Device) showLock() answer {
	l := d.lock
	if l == nil {
		return answer{"Configuration is not locked\n", object{{"userInfo", object{}}}}
	}
	info := object{{"username", l.user}, {"userTty", l.tty}, {"transactionName", l.transaction}, {"lockAcquireTime", seconds(l.since)}}
	if l.reason != "" {
		info = append(info, field{"reason", l.reason})
	}
	return answer{fmt.Sprintf("Configuration is locked by user %s on %s, transaction %s\n", l.user, l.tty, l.transaction), object{{"userInfo", info}}}
}

// showCheckpoints: the JSON is [I].
func (d *Device) showCheckpoints() (answer, error) {
	names, err := d.o.Files.List(checkpointDir)
	if err != nil {
		return answer{}, failed("Error reading checkpoints: %v", err)
	}
	text, list := "Maximum number of checkpoints: 20\n  Filename\n  --------\n", object{}
	for _, n := range names {
		n = path.Base(n)
		text += "  " + n + "\n"
		list = append(list, field{n, object{}})
	}
	return answer{text, object{{"maxCheckpoints", 20}, {"checkpoints", list}}}, nil
}
