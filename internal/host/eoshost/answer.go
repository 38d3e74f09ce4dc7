package eoshost

import (
	"bytes"
	"fmt"
	"strings"
)

// split finds each command's answer: what stands between the echo of the comment before it and the prompt before its own. Of
// several echoes of one comment the last is the command line's own, the others are a terminal's that echoed too early.
func (c *console) split(text []byte, sent []word) ([]string, error) {
	answers := make([]string, len(sent))
	from := 0
	for i, w := range sent {
		at := bytes.LastIndex(text, []byte(w.comment))
		begin := -1
		if at >= from {
			begin = c.prompt.before(text, at)
		}
		if begin < from {
			return nil, fmt.Errorf("%w: no prompt before the end of the answer to %q", errMixed, c.redacted(w.command))
		}
		answer, err := c.answer(lines(text[from:begin], c.careful), i, sent)
		if err != nil {
			return nil, err
		}
		answers[i] = answer
		from = at + len(w.comment)
		if nl := bytes.IndexByte(text[from:], '\n'); nl >= 0 {
			from += nl + 1
		}
	}
	return answers, nil
}

// answer takes the echoes out of what stands between two comments: the command's own, which may come twice from a switch that
// lags [V], and what a terminal echoed of what was typed ahead, in one piece, wherever the output then stood.
func (c *console) answer(text string, i int, sent []word) (string, error) {
	for _, w := range sent[i+1:] {
		text = strings.Replace(text, w.command+"\n"+w.comment+"\n", "", 1)
	}
	own := sent[i]
	text = strings.Replace(text, own.command+"\n"+own.comment+"\n", "", 1)
	text = strings.Replace(text, own.comment+"\n", "", 1)
	text = c.withoutEcho(text, own.command)
	if strings.Contains(text, c.word) {
		return "", fmt.Errorf("%w: what was typed ahead stands in the answer to %q", errMixed, c.redacted(own.command))
	}
	return text, nil
}

// withoutEcho takes a command's echoes from the beginning of a text, with or without a prompt before them.
func (c *console) withoutEcho(text, command string) string {
	for _, typed := range strings.Split(command, "\n") {
		for {
			line, rest, _ := strings.Cut(text, "\n")
			bare := strings.TrimLeft(line, "\r")
			if p := c.prompt.line.FindString(strings.TrimSuffix(bare, typed)); bare != typed && (p == "" || !strings.HasSuffix(bare, typed)) {
				break
			}
			if text == "" {
				break
			}
			text = rest
			if typed == "" {
				break
			}
		}
	}
	return text
}
