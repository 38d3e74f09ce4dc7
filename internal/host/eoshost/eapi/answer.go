package eapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
)

// The codes of eAPI's errors (eos.md A.1).
const (
	codeFailed       = 1000 // the command line returned an error
	codeInternal     = 1001 // the switch failed; a read is asked once more
	codeInvalid      = 1002 // the parser does not know it
	codeUnconverted  = 1003 // it has no JSON
	codeIncompatible = 1004 // the model's revision
	codeDenied       = 1005 // not authorised
)

// maxAnswer is the size of an answer, in bytes: a large switch's whole configuration is 1 to 2 MB.
const maxAnswer = 16 << 20

// Error is what eAPI said of a request in place of a result: the command it stopped at with the switch's words, the code, and
// the results of the commands before that one.
type Error struct {
	Code    int
	Message string
	// At is which command failed, counted from 0; -1: nobody says.
	At int
	// Errors are the words of the command that failed.
	Errors []string
	// Results are the answers of the commands that ran before it, objects.
	Results []map[string]any
}

// Error gives the switch's words, or where it has none its message.
func (e *Error) Error() string {
	if len(e.Errors) > 0 {
		return strings.Join(e.Errors, "; ")
	}
	return fmt.Sprintf("%s (eAPI's code %d)", e.Message, e.Code)
}

// TransportError is an answer that is not eAPI's: another status, HTML of nginx while the agent behind it starts anew, half an
// answer. Nothing is known of the commands. What came is not shown: it may be the request, with a password in it.
type TransportError struct {
	Status int // of HTTP; 0: none came
	Err    error
	unmade bool // there was no connection: nobody listens, or the certificate is not the pinned one
}

// Error gives the status and what was found.
func (e *TransportError) Error() string {
	if e.Status != 0 && e.Status != 200 {
		return fmt.Sprintf("eAPI: HTTP status %d: %v", e.Status, e.Err)
	}
	return fmt.Sprintf("eAPI: %v", e.Err)
}

// Unwrap gives the cause.
func (e *TransportError) Unwrap() error { return e.Err }

// envelope is a JSON-RPC answer. The id comes back as it was sent.
type envelope struct {
	Version string            `json:"jsonrpc"`
	ID      any               `json:"id"`
	Result  []json.RawMessage `json:"result"`
	Error   *struct {
		Code    int               `json:"code"`
		Message string            `json:"message"`
		Data    []json.RawMessage `json:"data"`
	} `json:"error"`
}

// readAnswer reads the answer to a request of that many commands.
func readAnswer(body io.Reader, id string, commands int) ([]map[string]any, error) {
	b, err := io.ReadAll(io.LimitReader(body, maxAnswer+1))
	if err != nil {
		return nil, &TransportError{Err: fmt.Errorf("reading the answer: %w", err)}
	}
	if len(b) > maxAnswer {
		return nil, &TransportError{Err: fmt.Errorf("the answer has more than %d MiB", maxAnswer>>20)}
	}
	var e envelope
	if err := decode(b, &e); err != nil {
		return nil, &TransportError{Err: fmt.Errorf("the answer (%d bytes) is not JSON-RPC: %w", len(b), err)}
	}
	switch {
	case e.Version != "2.0" || e.ID != id && e.Error == nil:
		return nil, &TransportError{Err: errors.New("the answer is not that of the request")}
	case e.Error != nil:
		return nil, readError(e)
	case len(e.Result) != commands:
		return nil, &TransportError{Err: fmt.Errorf("%d results for %d commands", len(e.Result), commands)}
	}
	out := make([]map[string]any, 0, commands)
	for i, raw := range e.Result {
		r, err := object(raw)
		if err != nil {
			return nil, &TransportError{Err: fmt.Errorf("result %d: %w", i+1, err)}
		}
		out = append(out, r)
	}
	return out, nil
}

// failed finds which command it was: "CLI command 2 of 3 'bad command' failed: invalid command" [V].
var failed = regexp.MustCompile(`^CLI command ([0-9]+) of `)

// readError takes an error's data apart. The last element is of the command that failed; an element of another shape is passed
// over, for the code and the message tell enough.
func readError(e envelope) error {
	out := &Error{Code: e.Error.Code, Message: e.Error.Message, At: len(e.Error.Data) - 1}
	if out.Code <= -32000 { // JSON-RPC's own: the request was not understood, or did not reach the command line [I]
		return &TransportError{Err: out}
	}
	if n := failed.FindStringSubmatch(out.Message); n != nil {
		if at, err := strconv.Atoi(n[1]); err == nil {
			out.At = at - 1
		}
	}
	for i, raw := range e.Error.Data {
		r, err := object(raw)
		if err != nil {
			continue
		}
		if words := errorsOf(r); i == len(e.Error.Data)-1 && len(words) > 0 {
			out.Errors = words
			continue
		}
		out.Results = append(out.Results, r)
	}
	return out
}

// object reads a result. It may be a string that holds the JSON (eos.md A.1 [V]).
func object(raw json.RawMessage) (map[string]any, error) {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		raw = json.RawMessage(s)
	}
	var out map[string]any
	if err := decode(raw, &out); err != nil {
		return nil, fmt.Errorf("not an object: %w", err)
	}
	if out == nil {
		return nil, errors.New("null")
	}
	return out, nil
}

// errorsOf gives the words of a command that failed; none: it did not.
func errorsOf(result map[string]any) []string {
	list, _ := result["errors"].([]any)
	var out []string
	for _, e := range list {
		if s, ok := e.(string); ok {
			out = append(out, s)
			continue
		}
		out = append(out, fmt.Sprint(e))
	}
	return out
}

// decode reads one JSON value and nothing behind it. Numbers come as they are written: a counter has 64 bits.
func decode(b []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more than one value")
	}
	return nil
}
