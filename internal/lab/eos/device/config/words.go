package config

import "strings"

// words are a typed line: its words, and where each begins, so that free text keeps its blanks.
type words struct {
	line string
	text []string
	at   []int
}

func split(line string) words {
	w := words{line: line}
	for i := 0; i < len(line); {
		if line[i] == ' ' || line[i] == '\t' {
			i++
			continue
		}
		end := strings.IndexAny(line[i:], " \t")
		if end < 0 {
			end = len(line) - i
		}
		w.text, w.at = append(w.text, line[i:i+end]), append(w.at, i)
		i += end
	}
	return w
}

// from gives the words behind the first n.
func (w words) from(n int) words { return words{line: w.line, text: w.text[n:], at: w.at[n:]} }

// rest is the line from word n to its end, as it was typed.
func (w words) rest(n int) string { return strings.TrimRight(w.line[w.at[n]:], " \t") }
