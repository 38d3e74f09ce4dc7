package eapi

import (
	"errors"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"bisc/internal/host"
)

// One request asks for everything, in privileged mode, each command by itself.
func TestAsk(t *testing.T) {
	t.Parallel()
	version := fixture(t, "eapi-lib/goeapi/show_version.json")
	s := serve(t, func(w http.ResponseWriter, _ *http.Request, a asked) {
		results(w, a, version, `{"counter":18446744073709551615,"at":1739832020.1816368}`)
	})
	got, err := client(t, s, Config{}).Ask(t.Context(), false, "show version", "show counters")
	if err != nil {
		t.Fatal(err)
	}
	if got[0].Result["modelName"] == nil {
		t.Errorf("show version: %v", got[0])
	}
	// A float64 has 53 bits.
	if n := got[1].Result["counter"]; !strings.Contains(reflect.TypeOf(n).String(), "Number") || n.(interface{ String() string }).String() != "18446744073709551615" {
		t.Errorf("a counter of 64 bits came as %T %v", n, n)
	}
	seen := s.asked()
	if len(seen) != 1 {
		t.Fatalf("%d requests, want one", len(seen))
	}
	p := seen[0].Params
	if want := []string{"enable", "show version", "show counters"}; !reflect.DeepEqual(seen[0].commands(), want) || p.Format != "json" || p.Version != 1 || p.StopOnError {
		t.Errorf("asked %s", seen[0].body)
	}
}

func TestAskText(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, _ *http.Request, a asked) {
		if a.Params.Format != "text" {
			t.Errorf("format %q", a.Params.Format)
		}
		results(w, a, `{"output":"! Command: show running-config\n"}`)
	})
	got, err := client(t, s, Config{}).Ask(t.Context(), true, "show running-config")
	if err != nil || got[0].Result["output"] != "! Command: show running-config\n" {
		t.Errorf("%v %v", got, err)
	}
}

// Only reads leave this package: all of them may be asked again.
func TestAskRefusesWhatIsNoRead(t *testing.T) {
	t.Parallel()
	s := serve(t, func(http.ResponseWriter, *http.Request, asked) { t.Error("it was sent") })
	c := client(t, s, Config{})
	for _, cmd := range []string{"configure session x", "reload", "bash timeout 1 id", "show version | redirect flash:x", "show version\nreload", "show version | json", "enable", ""} {
		if _, err := c.Ask(t.Context(), false, "show version", cmd); !errors.Is(err, host.ErrNotReadOnly) {
			t.Errorf("%q: %v", cmd, err)
		}
	}
}

// A refusal is one command's: the others have their answers, and the code tells what kind it is.
func TestAskRefused(t *testing.T) {
	t.Parallel()
	for code, want := range map[int]host.ShowError{
		1000: {Text: "words"}, 1002: {Text: "words"}, 1003: {Text: "words", Unconverted: true}, 1004: {Text: "words"}, 1005: {Text: "words", Denied: true},
	} {
		s := serve(t, func(w http.ResponseWriter, _ *http.Request, a asked) {
			if len(a.Params.Cmds) > 2 {
				results(w, a, `{"a":1}`, `{"errors":["words"]}`, `{"c":3}`)
				return
			}
			if !a.Params.StopOnError {
				t.Error("asked alone without stopOnError: the answer would have no code")
			}
			failure(w, a, code, "CLI command 2 of 2 'show b' failed: why", `{}`, `{"errors":["words"]}`)
		})
		got, err := client(t, s, Config{}).Ask(t.Context(), false, "show a", "show b", "show c")
		if err != nil {
			t.Fatal(err)
		}
		want.Command = "show b"
		var refused *host.ShowError
		if !errors.As(got[1].Err, &refused) || *refused != want {
			t.Errorf("code %d: %#v", code, got[1].Err)
		}
		if got[0].Err != nil || got[0].Result["a"] == nil || got[2].Err != nil || got[2].Result["c"] == nil {
			t.Errorf("code %d: the others: %v", code, got)
		}
		if n := len(s.asked()); n != 2 {
			t.Errorf("code %d: %d requests", code, n)
		}
	}
}

// A model may have a list of that name.
func TestAskAnswerWithErrors(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, _ *http.Request, a asked) {
		results(w, a, `{"errors":["parity on chip 0"]}`)
	})
	got, err := client(t, s, Config{}).Ask(t.Context(), false, "show platform errors")
	if err != nil || got[0].Err != nil || len(errorsOf(got[0].Result)) != 1 {
		t.Errorf("%v %v", got, err)
	}
}

// The recorded refusal: the command that failed is told, with the results of those before it; so it is where EOS gives its data
// as strings that hold JSON.
func TestReadErrorRecorded(t *testing.T) {
	t.Parallel()
	recorded := fixture(t, "json/curated/eapi-error-1002.json")
	asStrings := `{"jsonrpc":"2.0","id":"x","error":{"code":1002,"message":"CLI command 2 of 3 'bad command' failed: invalid command","data":["{\"modelName\":\"cEOSLab\"}","{\"errors\":[\"Invalid input (at token 1: 'bad')\"]}"]}}`
	for _, text := range []string{recorded, asStrings} {
		_, err := readAnswer(strings.NewReader(text), "x", 3)
		var e *Error
		if !errors.As(err, &e) || e.Code != 1002 || e.At != 1 || e.Error() != "Invalid input (at token 1: 'bad')" || len(e.Results) != 1 || e.Results[0]["modelName"] != "cEOSLab" {
			t.Errorf("%#v of %.60s", err, text)
		}
	}
}

// An EOS that stops at the first refusal all the same is asked each by itself.
func TestAskWithoutStopOnError(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, _ *http.Request, a asked) {
		cmds := a.commands()
		for i, cmd := range cmds {
			if cmd == "show b" {
				failure(w, a, 1002, "CLI command "+string(rune('1'+i))+" of 3 'show b' failed: invalid command", `{}`, `{"errors":["Invalid input"]}`)
				return
			}
		}
		results(w, a, `{"a":1}`)
	})
	got, err := client(t, s, Config{}).Ask(t.Context(), false, "show a", "show b")
	if err != nil || got[0].Err != nil || got[0].Result["a"] == nil || got[1].Err == nil {
		t.Errorf("%v %v", got, err)
	}
}

// What is not eAPI's answer is asked once more, and then is no answer at all: never a refusal, never empty.
func TestTransport(t *testing.T) {
	t.Parallel()
	broken := map[string]answering{
		"502":  func(w http.ResponseWriter, _ *http.Request, _ asked) { http.Error(w, "<html>Bad Gateway</html>", 502) },
		"404":  func(w http.ResponseWriter, _ *http.Request, _ asked) { http.NotFound(w, nil) },
		"HTML": func(w http.ResponseWriter, _ *http.Request, _ asked) { _, _ = w.Write([]byte("<html>starting</html>")) },
		"half": func(w http.ResponseWriter, _ *http.Request, a asked) {
			_, _ = w.Write([]byte(`{"jsonrpc":"2.0","id":"` + a.ID + `","result":[{},{"a"`))
		},
		"twice": func(w http.ResponseWriter, _ *http.Request, a asked) { results(w, a, `{}`); results(w, a, `{}`) },
		"other": func(w http.ResponseWriter, _ *http.Request, a asked) { a.ID = "bisc-0"; results(w, a, `{}`) },
		"fewer": func(w http.ResponseWriter, _ *http.Request, a asked) {
			_, _ = w.Write([]byte(`{"jsonrpc":"2.0","id":"` + a.ID + `","result":[]}`))
		},
		"list":   func(w http.ResponseWriter, _ *http.Request, a asked) { results(w, a, `[1,2]`) },
		"null":   func(w http.ResponseWriter, _ *http.Request, a asked) { results(w, a, `null`) },
		"method": func(w http.ResponseWriter, _ *http.Request, a asked) { failure(w, a, -32601, "method not found") },
		"moved": func(w http.ResponseWriter, r *http.Request, _ asked) {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		},
		"cut off": func(http.ResponseWriter, *http.Request, asked) { panic(http.ErrAbortHandler) },
	}
	for name, answer := range broken {
		s := serve(t, answer)
		_, err := client(t, s, Config{}).Ask(t.Context(), false, "show version")
		if !Unreachable(err) || errors.As(err, new(*host.ShowError)) {
			t.Errorf("%s: %v", name, err)
		}
		for _, a := range s.asked() {
			if a.path != "/command-api" {
				t.Errorf("%s: asked %s", name, a.path)
			}
		}
		if n := len(s.asked()); n != 2 {
			t.Errorf("%s: asked %d times", name, n)
		}
	}
}

// The agent behind nginx starts anew: the second time it answers.
func TestTransportRecovers(t *testing.T) {
	t.Parallel()
	for _, first := range []answering{
		func(w http.ResponseWriter, _ *http.Request, _ asked) { w.WriteHeader(502) },
		func(w http.ResponseWriter, _ *http.Request, a asked) {
			failure(w, a, 1001, "CLI command 2 of 2 'show version' failed: internal error", `{}`, `{"errors":["x"]}`)
		},
	} {
		n := 0
		s := serve(t, func(w http.ResponseWriter, r *http.Request, a asked) {
			if n++; n == 1 {
				first(w, r, a)
				return
			}
			results(w, a, `{"a":1}`)
		})
		if got, err := client(t, s, Config{}).Ask(t.Context(), false, "show version"); err != nil || got[0].Result["a"] == nil {
			t.Errorf("%v %v", got, err)
		}
	}
}

// An answer without end is not kept.
func TestTooMuch(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, _ *http.Request, a asked) {
		_, _ = w.Write([]byte(`{"jsonrpc":"2.0","id":"` + a.ID + `","result":[{},{"output":"`))
		line := []byte(strings.Repeat("x", 1<<20))
		for range 20 {
			if _, err := w.Write(line); err != nil {
				return
			}
		}
		_, _ = w.Write([]byte(`"}]}`))
	})
	if _, err := client(t, s, Config{}).Ask(t.Context(), true, "show running-config"); !Unreachable(err) || !strings.Contains(err.Error(), "16 MiB") {
		t.Errorf("%v", err)
	}
}
