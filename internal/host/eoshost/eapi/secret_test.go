package eapi

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

func password(p string) func(context.Context) (string, error) {
	return func(context.Context) (string, error) { return p, nil }
}

// Code 1005 repeats the command with its input. Neither it nor anything else that the switch says puts a password into an error.
func TestPasswordsAreNotTold(t *testing.T) {
	t.Parallel()
	const secret = ` kanari "é' & vogel\ `
	b, err := json.Marshal(secret)
	if err != nil {
		t.Fatal(err)
	}
	quoted := string(b)
	said := []answering{
		func(w http.ResponseWriter, _ *http.Request, a asked) {
			failure(w, a, 1005, `CLI command 1 of 2 'enable' failed: not authorized to run command; input='`+secret+`'`, `{"errors":["% Authorization denied for command 'enable', input=`+strings.Trim(quoted, `"`)+`"]}`)
		},
		func(w http.ResponseWriter, _ *http.Request, a asked) {
			failure(w, a, 1005, `CLI command 2 of 2 'show x' failed: {'cmd': 'enable', 'input': '`+secret+`'}`)
		},
		func(w http.ResponseWriter, _ *http.Request, a asked) { http.Error(w, a.body, 500) },
		func(w http.ResponseWriter, _ *http.Request, a asked) { _, _ = w.Write([]byte(a.body)) },
		func(w http.ResponseWriter, _ *http.Request, a asked) { failure(w, a, -32602, a.body) },
	}
	for i, answer := range said {
		s := serve(t, answer)
		got, err := client(t, s, Config{EnablePassword: password(secret)}).Ask(t.Context(), false, "show x")
		words := ""
		if err != nil {
			words = err.Error()
		}
		for _, a := range got {
			words += a.Err.Error()
		}
		if words == "" || strings.Contains(words, "kanari") || strings.Contains(words, "vogel") {
			t.Errorf("%d: %q", i, words)
		}
		// It is sent as it is: goeapi would have trimmed it.
		if first := s.asked()[0].commands()[0]; first != "enable<"+secret {
			t.Errorf("%d: enable was given %q", i, first)
		}
	}
}

// A refused enable is not taken for the refusal of what was asked.
func TestEnableRefused(t *testing.T) {
	t.Parallel()
	for _, answer := range []answering{
		func(w http.ResponseWriter, _ *http.Request, a asked) {
			failure(w, a, 1002, "CLI command 1 of 2 'enable' failed: could not run command", `{"errors":["Bad secret"]}`)
		},
		func(w http.ResponseWriter, _ *http.Request, a asked) {
			_, _ = w.Write([]byte(`{"jsonrpc":"2.0","id":"` + a.ID + `","result":[{"errors":["Bad secret"]},{"errors":["Invalid input (privileged mode required)"]}]}`))
		},
	} {
		s := serve(t, answer)
		got, err := client(t, s, Config{}).Ask(t.Context(), false, "show x")
		if err == nil || !strings.Contains(err.Error(), "enable was refused: Bad secret") || got != nil {
			t.Errorf("%v %v", got, err)
		}
	}
}
