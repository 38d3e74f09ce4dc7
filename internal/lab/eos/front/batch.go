package front

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"bisc/internal/lab/eos/device"
)

// batch is one request's commands in its CLI context.
type batch struct {
	cli    *cli
	params params
	// results has one entry for each command that was run.
	results []any
	failed  *rpcError
	trip    *Trip
}

// runCmds runs the commands of a request, in a CLI context of its own that begins unprivileged. A trip that happens in the answer is given back;
// an error says that there is none.
func (f *Front) runCmds(ctx context.Context, user string, p params) (reply, *Trip, error) {
	b := &batch{cli: f.cli("eapi", f.ids.Add(1), user, "", false), params: p, results: []any{}}
	defer b.cli.Close()
	b.cli.Privilege(false) // whatever a login begins with
	b.cli.Exact(!p.AutoComplete)
	for i := range p.Cmds {
		if err := b.run(ctx, i); err != nil {
			return reply{}, nil, err
		}
		if b.failed != nil && (p.StopOnError == nil || *p.StopOnError) {
			break
		}
	}
	if b.failed == nil {
		return reply{Result: b.results}, b.trip, nil
	}
	b.failed.Data = b.results
	if f.Faults().DataStrings {
		for i, d := range b.results {
			text, err := json.Marshal(d)
			if err != nil {
				return reply{}, nil, err
			}
			b.failed.Data[i] = string(text)
		}
	}
	return reply{Error: b.failed}, b.trip, nil
}

// run runs one command, and what answers its questions.
func (b *batch) run(ctx context.Context, i int) error {
	c := b.params.Cmds[i]
	began := time.Now()
	result, err := b.one(ctx, c)
	var refused *device.Error
	if err != nil && !errors.As(err, &refused) {
		return err
	}
	if refused != nil {
		result = b.refuse(i, c, result, refused)
	}
	if b.params.Timestamps {
		result["_meta"] = map[string]float64{
			"execStartTime": float64(began.UnixNano()) / 1e9, "execDuration": time.Since(began).Seconds(),
		}
	}
	b.results = append(b.results, result)
	return nil
}

// one runs a command and gives its result.
func (b *batch) one(ctx context.Context, c command) (map[string]any, error) {
	result := map[string]any{}
	var model json.RawMessage
	a, err := b.cli.ask(ctx, c.Cmd, func(ctx context.Context) (string, error) {
		if command, is := b.cli.bash(c.Cmd); is {
			var out bytes.Buffer
			_, status, err := b.cli.line(ctx, c.Cmd, strings.NewReader(c.Input), &out, &out)
			if err == nil {
				err = returned(command, status)
			}
			return out.String(), err
		}
		if b.params.Format == "text" {
			return b.cli.Run(c.Cmd)
		}
		var err error
		model, err = b.cli.JSON(c.Cmd)
		return "", err
	})
	if err != nil {
		return nil, err
	}
	if a.trip != nil {
		b.trip = a.trip
	}
	refused := a.err
	text := a.text
	if refused == nil && !isBash(c.Cmd) {
		more, err := b.input(c.Input)
		text += more
		refused = err
	}
	switch {
	case b.params.Format == "text":
		result["output"] = text
	case model != nil:
		var keys map[string]json.RawMessage // as they are: a counter is no float64
		if err := json.Unmarshal(model, &keys); err != nil {
			return nil, fmt.Errorf("the device's JSON of %q: %w", c.Cmd, err)
		}
		for k, v := range keys {
			result[k] = v
		}
	case text != "" && refused == nil:
		result["messages"] = []string{text}
	}
	return result, refused
}

func isBash(line string) bool {
	_, is := device.BashCommand(line)
	return is
}

// input types what answers a command's questions, or more of its text, a line each, while the command wants any.
func (b *batch) input(input string) (string, error) {
	var text strings.Builder
	for _, line := range strings.Split(input, "\n") {
		if _, asking := b.cli.Asking(); input == "" && !asking {
			break
		}
		out, err := b.cli.Run(line)
		text.WriteString(out)
		if err != nil {
			return text.String(), err
		}
	}
	return text.String(), nil
}

// refuse makes the error of the answer of the first command that was refused, and the result that names it.
func (b *batch) refuse(i int, c command, result map[string]any, refused *device.Error) map[string]any {
	code, why := 1000, "could not run command"
	switch refused.Kind {
	case device.Invalid, device.Incomplete, device.Ambiguous:
		code, why = 1002, "invalid command"
	case device.Unconverted:
		code, why = 1003, "unconverted command"
	case device.Denied:
		code, why = 1005, "permission to execute command denied"
	}
	name := c.Cmd
	if code == 1005 && c.Input != "" {
		// The words are [I]; that the input stands in them is [V] (eos.md A.1), and why pyeapi takes out what follows "input=".
		name = fmt.Sprintf("%s (input=%s)", c.Cmd, c.Input)
	}
	if b.failed == nil {
		b.failed = &rpcError{Code: code, Message: fmt.Sprintf("CLI command %d of %d '%s' failed: %s", i+1, len(b.params.Cmds), name, why)}
	}
	failed := map[string]any{"errors": []string{refused.Detail()}}
	if out, ok := result["output"]; ok && out != "" {
		failed["output"] = out
	}
	return failed
}
