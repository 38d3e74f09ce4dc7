package eoshost

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"bisc/internal/host"
)

//go:embed bash.sh
var envelope string

// bashLimit is how long a question to the switch's Linux may take before it counts as stuck.
const bashLimit = 20 * time.Second

// longestLine is what may be typed: EOS gives all of it to bash as one argument, and Linux' limit for one is 128 KiB.
const longestLine = 120 << 10

// bashMark stands before the status that bash.sh writes behind what it printed; nothing of base64 holds it.
const bashMark = "bisc-status "

// bashLine is a command of the switch that runs a constant text as root, the words being its positional parameters. All of it goes
// as base64, in which no character means anything to the switch's editor or to a shell. timeout runs as root too: a user's could
// not end root's programs. What EOS does with the rest of a line behind "bash" is to give it to bash as it stands [I].
func bashLine(limit time.Duration, text string, words ...string) string {
	script := "set -- " + host.Quote(words...) + "\n" + strings.Replace(envelope, "# TEXT\n", text, 1)
	seconds := strconv.Itoa(int((limit + time.Second - 1) / time.Second))
	return `bash sudo -n timeout -s KILL ` + seconds + ` bash -c "$(base64 -d<<<` + base64.StdEncoding.EncodeToString([]byte(script)) + `)" </dev/null`
}

// errNoBash: the switch's Linux cannot be had.
var errNoBash = errors.New("the switch's Linux cannot be asked")

// bashAnswer reads what a bashLine printed: its output in base64, then its status and what it wrote on stderr.
func bashAnswer(what, text string) (host.Output, error) {
	out, status, ok := strings.Cut(text, bashMark)
	f := strings.Fields(status)
	if !ok || len(f) < 1 || len(f) > 2 {
		return host.Output{}, noBash(what, text)
	}
	exit, err := strconv.Atoi(f[0])
	if err != nil {
		return host.Output{}, noBash(what, text)
	}
	o := host.Output{Exit: exit}
	if o.Stdout, err = base64.StdEncoding.DecodeString(strings.Join(strings.Fields(out), "")); err != nil {
		return host.Output{}, fmt.Errorf("%s: the switch's answer is damaged: %w", what, err)
	}
	if len(f) == 2 {
		if o.Stderr, err = base64.StdEncoding.DecodeString(f[1]); err != nil {
			return host.Output{}, fmt.Errorf("%s: the switch's answer is damaged: %w", what, err)
		}
	}
	return o, nil
}

// noBash tells why there is no status behind an answer.
func noBash(what, text string) error {
	said := firstLine(text)
	switch {
	case len(refusals(text)) > 0:
		why := strings.Join(refusals(text), "\n")
		return fmt.Errorf("%s: %w: %w", what, errNoBash, &host.ShowError{Command: "bash", Text: why, Denied: denied(why)})
	case strings.HasPrefix(said, "sudo:"):
		return fmt.Errorf("%s: %w: %s: the login's user must be one that the switch lets become root (privilege 15, role network-admin)", what, errNoBash, said)
	case strings.Contains(said, "not found"):
		return fmt.Errorf("%s: %w: %s", what, errNoBash, said)
	}
	return fmt.Errorf("%s: no answer within its limit: %w", what, host.ErrStuck)
}

// linux runs a constant text as root on the switch. It shares a flight with whatever else is asked, and is asked again where that
// breaks; unless it is alone: what may hang, and what acts.
func (h *Host) linux(ctx context.Context, limit time.Duration, alone bool, what, text string, words ...string) (host.Output, error) {
	for _, w := range words {
		if strings.ContainsRune(w, 0) {
			return host.Output{}, fmt.Errorf("%s: a word holds a NUL byte", what)
		}
	}
	line := bashLine(limit, text, words...)
	if len(line) > longestLine {
		return host.Output{}, fmt.Errorf("%s: a question of %d characters is too long for a switch's command line (%d)", what, len(line), longestLine)
	}
	q := &question{command: line, silence: limit + silence/2, alone: alone, done: make(chan struct{})}
	answer, err := h.lines.wait(ctx, q)
	if err != nil {
		return host.Output{}, fmt.Errorf("%s: %w", what, err)
	}
	out, err := bashAnswer(what, answer)
	if err == nil && out.Exit == 127 && bytes.HasSuffix(out.Stderr, []byte("\x1ebisc-exec")) {
		return host.Output{}, fmt.Errorf("%s: %w", what, host.ErrNoProgram)
	}
	return out, err
}
