package host

import (
	_ "embed"
	"slices"
	"strconv"
	"strings"
)

// Guard is a constant shell text that must exit 0 right before an act. Exit 10 refuses; any other exit means that it
// could not tell, which refuses too. What it prints on stdout is the reason. Values arrive only as positional
// parameters "$1"... (more may follow: a guard uses no "$@" but the first $BISC_ARGC of them).
type Guard struct {
	Name string
	Text string
	Args []string
}

// guardedProgram runs "n {text name argc args...}*n argv...": each guard, then exec of the act.
//
//go:embed guarded.sh
var guardedProgram string

// Marks that guardedProgram writes on stderr when it did not act; with the exit status they tell a guard's refusal
// from an act that happens to exit with the same number.
const (
	guardMark    = "\x1ebisc-guard "
	guardRefused = 75
	guardUnknown = 76
)

// Command is the argv that does the script on a host: the act itself, or sh with the guards in front.
func (s Script) Command() []string { return Guarded(s.Guards, s.Argv) }

// Guarded puts guards in front of an argv. Without guards the argv comes back as it is.
func Guarded(guards []Guard, argv []string) []string {
	if len(guards) == 0 {
		return argv
	}
	guards = proofLast(guards)
	out := []string{"sh", "-c", guardedProgram, "bisc", strconv.Itoa(len(guards))}
	for _, g := range guards {
		out = append(out, g.Text, g.Name, strconv.Itoa(len(g.Args)))
		out = append(out, g.Args...)
	}
	return append(out, argv...)
}

// proofLast has the proof that no validator lives read again after the other guards: they may take seconds, in which one may start.
func proofLast(guards []Guard) []Guard {
	i := slices.IndexFunc(guards, func(g Guard) bool { return g.Text == validatorStoppedText })
	if i < 0 || i == len(guards)-1 {
		return guards
	}
	return append(slices.Clone(guards), guards[i])
}

// Verdict turns the output of Command into a step's error, or nil where it was done.
func Verdict(argv []string, out Output) error {
	if name, reason, ok := guardMarked(out); ok {
		return &GuardError{Guard: name, Reason: reason, Unknown: out.Exit == guardUnknown}
	}
	if out.Exit != 0 {
		return &ExitError{Argv: argv, Exit: out.Exit, Stderr: out.Stderr}
	}
	return nil
}

func guardMarked(out Output) (name, reason string, ok bool) {
	if out.Exit != guardRefused && out.Exit != guardUnknown {
		return "", "", false
	}
	_, after, ok := strings.Cut(string(out.Stderr), guardMark)
	if !ok {
		return "", "", false
	}
	name, _, _ = strings.Cut(after, "\n")
	reason = strings.TrimSpace(string(out.Stdout))
	if reason == "" {
		reason = "no reason given"
	}
	return name, reason, true
}

// GuardsOf are the guards of a step, whatever it is.
func GuardsOf(s Step) []Guard {
	switch s := s.(type) {
	case Script:
		return s.Guards
	case Put:
		return s.Guards
	case Edit:
		return s.Guards
	case Remove:
		return s.Guards
	case Kube:
		return s.Guards
	}
	return nil
}
