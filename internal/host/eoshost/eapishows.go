package eoshost

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"bisc/internal/host"
	"bisc/internal/host/eoshost/eapi"
)

// eapiShows answers show commands over eAPI. Only these go that way: a configuration session is typed on one console, for its lock
// must live in one context of the command line, and whether it outlives a request of eAPI nobody says [U].
type eapiShows struct {
	client *eapi.Client
	cli    shower
	// only: the inventory names eAPI, so that the command line does not stand in for it unasked.
	only bool

	life   context.Context // ends with close
	cancel context.CancelFunc
	mu     sync.Mutex
	queue  []*question
	first  time.Time // when the queue's first came
	timer  *time.Timer
	down   error // why it is of no more use
}

func newEAPIShows(client *eapi.Client, cli shower, only bool) *eapiShows {
	e := &eapiShows{client: client, cli: cli, only: only}
	e.life, e.cancel = context.WithCancel(context.Background())
	return e
}

// show asks over eAPI, and over the command line from when eAPI has failed: it is a read, whoever answers it.
func (e *eapiShows) show(ctx context.Context, command string) ([]byte, error) {
	if e.failed() != nil {
		return e.cli.show(ctx, command)
	}
	q := &question{command: command, done: make(chan struct{})}
	e.add(q)
	select {
	case <-q.done:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	var refused *host.ShowError
	switch {
	case q.err == nil:
		return []byte(q.answer), nil
	case errors.As(q.err, &refused) && refused.Denied && !e.only: // the socket's user is another than SSH's, and may be allowed less [U]
		return e.cli.show(ctx, command)
	case refused != nil:
		return nil, q.err
	case e.only:
		return nil, fmt.Errorf("%s: %w: %w (eapi = \"auto\" in the inventory asks the command line instead)", command, host.ErrUnreachable, q.err)
	}
	e.mu.Lock()
	e.down = q.err
	e.mu.Unlock()
	return e.cli.show(ctx, command)
}

// failed tells why eAPI is not asked any more.
func (e *eapiShows) failed() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.down
}

// add gathers questions as the command line does: those that are pending go in one flight.
func (e *eapiShows) add(q *question) {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := time.Now()
	if len(e.queue) == 0 {
		e.first = now
	}
	e.queue = append(e.queue, q)
	if e.timer == nil {
		e.timer = time.AfterFunc(quiet, e.due)
		return
	}
	e.timer.Reset(min(quiet, e.first.Add(gather).Sub(now)))
}

// due sends the queue: what is wanted as JSON in one request, and what is wanted as text in another, at the same time.
func (e *eapiShows) due() {
	e.mu.Lock()
	queue := e.queue
	e.queue = nil
	e.mu.Unlock()
	for _, text := range []bool{false, true} {
		var batch []*question
		for _, q := range queue {
			if isJSON(q.command) != text {
				batch = append(batch, q)
			}
		}
		if len(batch) > 0 {
			go e.ask(text, batch)
		}
	}
}

func (e *eapiShows) ask(text bool, batch []*question) {
	commands := make([]string, len(batch))
	for i, q := range batch {
		commands[i] = strings.TrimSuffix(q.command, " | json")
	}
	answers, err := e.client.Ask(e.life, text, commands...)
	for i, q := range batch {
		if err != nil {
			q.end("", err)
			continue
		}
		q.end(eapiAnswer(text, q.command, answers[i]))
	}
}

// eapiAnswer is what the command line would have printed.
func eapiAnswer(text bool, command string, a eapi.Answer) (string, error) {
	var refused *host.ShowError
	if errors.As(a.Err, &refused) {
		as := *refused
		as.Command = command
		return "", &as
	}
	if a.Err != nil || !text {
		b, err := json.Marshal(a.Result)
		return string(b), errors.Join(a.Err, err)
	}
	output, ok := a.Result["output"].(string)
	if !ok {
		return "", fmt.Errorf("eAPI's answer to %q is no text", command)
	}
	return output, nil
}

// close ends eAPI, and the command line with it.
func (e *eapiShows) close() {
	e.cancel()
	e.client.Close()
	e.cli.close()
}
