package host

import (
	"bytes"
	"errors"
	"os/exec"
	"testing"
)

// run does a script on this machine as a transport would.
func run(t *testing.T, s Script) (string, error) {
	t.Helper()
	argv := s.Command()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdin = bytes.NewReader(s.Stdin)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	_ = cmd.Run()
	o := Output{Stdout: out.Bytes(), Stderr: errs.Bytes(), Exit: cmd.ProcessState.ExitCode()}
	return out.String(), Verdict(s.Argv, o)
}

func guard(text string, args ...string) Guard { return Guard{Name: "g", Text: text, Args: args} }

func TestGuards(t *testing.T) {
	tests := map[string]struct {
		guards  []Guard
		acted   bool
		unknown bool
		reason  string
	}{
		"none":                       {nil, true, false, ""},
		"holds":                      {[]Guard{guard("exit 0")}, true, false, ""},
		"refuses":                    {[]Guard{guard("echo it lives; exit 10")}, false, false, "it lives"},
		"cannot tell":                {[]Guard{guard("echo no /proc; exit 11")}, false, true, "no /proc"},
		"is no program":              {[]Guard{guard("no-such-program")}, false, true, "no reason given"},
		"is killed":                  {[]Guard{guard("kill -9 $$")}, false, true, "no reason given"},
		"the second refuses":         {[]Guard{guard("exit 0", "a", "b"), guard("exit 10")}, false, false, "no reason given"},
		"sees its own values":        {[]Guard{guard(`[ "$1" = "a b" ] && [ "$2" = '$(id)' ] && [ "$BISC_ARGC" = 2 ]`, "a b", "$(id)"), guard(`[ "$1" = c ]`, "c")}, true, false, ""},
		"values stay with their own": {[]Guard{guard("exit 0", "x"), guard(`[ "$1" = y ] || exit 10`, "y")}, true, false, ""},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			out, err := run(t, Script{Argv: []string{"printf", "%s", "acted 'as is' $(id)\n"}, Guards: tc.guards})
			var refused *GuardError
			if tc.acted {
				if err != nil || out != "acted 'as is' $(id)\n" {
					t.Errorf("out %q, err %v", out, err)
				}
				return
			}
			if !errors.As(err, &refused) || refused.Unknown != tc.unknown || refused.Reason != tc.reason {
				t.Errorf("err %#v", err)
			}
		})
	}
}

// An act that itself exits with a guard's status has failed; it was not refused.
func TestAnActsOwnStatusIsNoRefusal(t *testing.T) {
	_, err := run(t, Script{Argv: []string{"sh", "-c", "echo no space >&2; exit 75"}, Guards: []Guard{guard("exit 0")}})
	var exit *ExitError
	if !errors.As(err, &exit) || exit.Exit != 75 || exit.Error() != "sh: exit status 75: no space" {
		t.Errorf("err %#v", err)
	}
}

func TestStdinReachesTheActAndNoGuard(t *testing.T) {
	out, err := run(t, Script{Argv: []string{"cat"}, Stdin: []byte("for the act"), Guards: []Guard{guard("exit 0")}})
	if err != nil || out != "for the act" {
		t.Errorf("out %q, err %v", out, err)
	}
}
