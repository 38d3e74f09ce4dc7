package sshhost

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"bisc/internal/host"
	"bisc/internal/lab"
)

// TestSecretsStayOnTheHost: a program that complains about a secret quotes it, and no error may carry that on.
func TestSecretsStayOnTheHost(t *testing.T) {
	l := lab.ForTest(t, lab.Names("perl", "noperl"))
	outOfBand(l.Host("noperl"))(t, "mv /usr/bin/perl /usr/bin/perl.away")
	secret := []byte("hunter2\n")
	quotes := func(exit int) []string {
		return []string{"sh", "-c", fmt.Sprintf(`echo "out: $(cat "$1")"; echo "bad line: $(cat "$1")" >&2; exit %d`, exit), "bisc", "{path}"}
	}
	refuses := host.Guard{Name: "never", Text: "echo not today; exit 10"}
	for _, name := range []string{"perl", "noperl"} {
		w := writer(t, pool(t), config(l.Host(name), "ops"), "run")
		for what, step := range map[string]struct {
			secret, open host.Step
			words        string // of both errors
		}{
			"verify refuses": {
				host.Put{Path: "/srv/a", Content: secret, Mode: 0o600, Verify: quotes(3), Secret: true},
				host.Put{Path: "/srv/a", Content: secret, Mode: 0o600, Verify: quotes(3)}, "sh: exit status 3",
			},
			"a guard refuses after verify": {
				host.Put{Path: "/srv/a", Content: secret, Mode: 0o600, Verify: quotes(0), Secret: true, Guards: []host.Guard{refuses}},
				nil, `guard "never" refused: not today`,
			},
			"a script fails": {
				host.Script{Argv: []string{"sh", "-c", `echo "bad: $(cat)" >&2; exit 3`}, Stdin: secret, Secret: true},
				host.Script{Argv: []string{"sh", "-c", `echo "bad: $(cat)" >&2; exit 3`}, Stdin: secret}, "sh: exit status 3",
			},
		} {
			t.Run(name+" "+what, func(t *testing.T) {
				err := w.Do(t.Context(), step.secret)
				says(t, err, nil, step.words)
				if all := everything(err); strings.Contains(all, "hunter2") {
					t.Errorf("the secret is in the error: %s", all)
				}
				if step.open == nil {
					return
				}
				says(t, err, nil, "withheld because the content is secret")
				if err = w.Do(t.Context(), step.open); !strings.Contains(everything(err), "hunter2") {
					t.Errorf("what is no secret is withheld: %s", everything(err))
				}
				says(t, err, nil, step.words)
			})
		}
	}
}

// everything is an error's text and what else it carries into the journal.
func everything(err error) string {
	text := fmt.Sprint(err)
	var exit *host.ExitError
	if errors.As(err, &exit) {
		text += "\n" + string(exit.Stderr)
	}
	return text
}
