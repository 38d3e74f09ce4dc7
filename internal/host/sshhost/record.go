package sshhost

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"bisc/internal/host"
)

// The host keeps the last runs in a log of its own (host.RunsLog): who did what to it, so that the next operator knows
// though the controller, and its journal, are gone. The far end writes it in the same turn as the step:
//
//	TIME step RUN/N {"by":"who@controller","key":"SHA256:...","address":...,"step":...,"digest":...}
//	TIME end RUN/N STATUS
//	# SEAL
//
// Lines of one write end in a seal, the SHA-256 of the seal before (64 zeros at first), a newline and the lines. A step
// is on disk before it is begun; where that fails it is not begun. Lines behind the last seal were cut off in the
// writing: their steps were not begun. A log that was shortened begins with the seal before its first line.

// recordedStep is what the host writes down of a step.
type recordedStep struct {
	By      string `json:"by"`
	Key     string `json:"key,omitempty"`
	Address string `json:"address"`
	Step    string `json:"step"`
	Digest  string `json:"digest,omitempty"`
}

// stepMost bounds the text of a step in the host's log.
const stepMost = 400

// note is the host's record of the step of this context, or nothing.
func (w *Writer) note(ctx context.Context) string {
	r, ok := host.RecordOf(ctx)
	if !ok {
		return ""
	}
	text, _, _ := strings.Cut(r.Step, "\n")
	if len(text) > stepMost {
		text = strings.ToValidUTF8(text[:stepMost], "") + "…"
	}
	b, err := json.Marshal(recordedStep{By: w.lock.Owner, Key: w.channel().conn.loginKey, Address: r.Address, Step: text, Digest: r.Digest})
	if err != nil {
		panic(fmt.Sprintf("sshhost: a record does not marshal: %v", err)) // a programmer's mistake: it is plain text
	}
	return fmt.Sprintf("%s/%d %s", strings.Map(oneWord, w.lock.Run), r.ID, b)
}

// oneWord keeps a run's name one word without a slash.
func oneWord(r rune) rune {
	if r <= ' ' || r == '/' || r == 0x7f {
		return '_'
	}
	return r
}

// endOf is how the host's log says a step ended: an exit status, or words.
func endOf(err error) string {
	var exit *host.ExitError
	var guard *host.GuardError
	var kube *host.KubeError
	switch {
	case err == nil:
		return "0"
	case errors.Is(err, host.ErrLost):
		return "unknown"
	case errors.As(err, &guard) && guard.Unknown:
		return "76" // as guarded.sh has it
	case errors.As(err, &guard):
		return "75"
	case errors.Is(err, host.ErrChanged), errors.As(err, &kube), errors.Is(err, host.ErrNoAPI):
		return "not begun"
	case errors.As(err, &exit) && !exit.Stuck:
		return fmt.Sprint(exit.Exit)
	}
	return "unknown"
}

// told is queued, and goes with whatever is written next.
func (a *agent) told(r *request, how string) {
	if r.note == "" {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.err == nil {
		a.queue = appendFrame(a.queue, frameTold, r.id.Load(), []byte(how))
	}
}

// told is a line for the writing shell, whose answer nobody waits for.
func (s *shells) told(r *request, how string) {
	s.mu.Lock()
	w := s.writer
	s.mu.Unlock()
	if w == nil || r.note == "" {
		return
	}
	ref, _, _ := strings.Cut(r.note, " ")
	w.send(newRequest(opRun, s.c.cfg.answer(), "bisc_record"), "(bisc_record end "+host.Quote(ref, how)+") </dev/null")
}
