package eoshost

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	"bisc/internal/host"
)

// question is one command that is asked; its answer is what the switch printed.
type question struct {
	command string
	silence time.Duration   // how long the switch may say nothing
	alone   bool            // it may hang, and shares no flight
	again   bool            // it was in a flight that broke
	under   int             // flights that it is in, and the queue
	life    context.Context // ends with the asker's patience
	leave   context.CancelFunc
	once    sync.Once
	answer  string
	err     error
	done    chan struct{}
}

// end gives the answer; only the first counts.
func (q *question) end(answer string, err error) {
	q.once.Do(func() {
		q.answer, q.err = answer, err
		close(q.done)
	})
}

func (q *question) ended() bool {
	select {
	case <-q.done:
		return true
	default:
		return false
	}
}

// show asks one show command and judges what came.
func (cs *consoles) show(ctx context.Context, command string) ([]byte, error) {
	text, err := cs.ask(ctx, command)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", command, err)
	}
	return showAnswer(command, text)
}

// showAnswer tells an answer from a refusal.
func showAnswer(command, text string) ([]byte, error) {
	if err := (&console{}).refusal(command, text); err != nil {
		return nil, err
	}
	if !isJSON(command) {
		return []byte(text), nil
	}
	b := bytes.TrimSpace([]byte(text))
	if !json.Valid(b) {
		return nil, &host.ShowError{Command: command, Text: firstLine(text), Unconverted: true}
	}
	var refused struct{ Errors []string }
	if json.Unmarshal(b, &refused) == nil && len(refused.Errors) > 0 { // as eAPI has it, and the command line with it [V]
		why := strings.Join(refused.Errors, "\n")
		return nil, &host.ShowError{Command: command, Text: why, Denied: denied(why), Unconverted: strings.Contains(why, "unconverted")}
	}
	return b, nil
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return line[:min(len(line), 200)]
}

// ask gives what the switch prints to a command.
func (cs *consoles) ask(ctx context.Context, command string) (string, error) {
	return cs.wait(ctx, &question{command: command, silence: silence, done: make(chan struct{})})
}

// wait asks a question and waits for its answer.
func (cs *consoles) wait(ctx context.Context, q *question) (string, error) {
	if err := typable(q.command); err != nil {
		return "", err
	}
	if err := ctx.Err(); err != nil {
		return "", context.Cause(ctx)
	}
	q.life, q.leave = context.WithCancel(cs.over)
	defer q.leave()
	cs.add(q)
	select {
	case <-q.done:
		return q.answer, q.err
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}
