package main

import "strings"

// partial is the last word of a line that is being typed in bash.
type partial struct {
	text  string // without quotes
	kept  int    // how much of text stays on the line: bash replaces only what is behind its last break
	quote byte   // that is open, or 0
	flag  int    // the length of a --flag= in it: cobra's answers do not have it
}

// splitLine takes a line apart as bash does, without expanding anything, and gives its whole words and the last one.
// breaks is COMP_WORDBREAKS: readline replaces what is behind the last of them, unless that is in quotes.
func splitLine(line, breaks string) (words []string, last partial) {
	var text strings.Builder
	inWord := false
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case last.quote == 0 && (c == ' ' || c == '\t' || c == '\n'):
			if inWord {
				words = append(words, text.String())
			}
			text.Reset()
			inWord, last.kept = false, 0
			continue
		case c == last.quote:
			last.quote = 0
		case last.quote == 0 && (c == '\'' || c == '"'):
			last.quote, last.kept = c, text.Len()
		case c == '\\' && i+1 < len(line) && (last.quote == 0 || last.quote == '"' && strings.IndexByte("$`\"\\\n", line[i+1]) >= 0):
			i++
			text.WriteByte(line[i])
		default:
			text.WriteByte(c)
			if last.quote == 0 && strings.IndexByte(breaks, c) >= 0 {
				last.kept = text.Len()
			}
		}
		inWord = true
	}
	last.text = text.String()
	if strings.HasPrefix(last.text, "-") {
		last.flag = strings.IndexByte(last.text, '=') + 1
	}
	return words, last
}

// reply is what bash is to put behind its last break for a candidate; ok is false where the candidate is another word.
func (p partial) reply(candidate string) (string, bool) {
	whole := p.text[:p.flag] + candidate
	if !strings.HasPrefix(whole, p.text) {
		return "", false
	}
	rest := whole[p.kept:]
	switch p.quote {
	case '\'': // readline closes the quote
		return strings.ReplaceAll(rest, "'", `'\''`), true
	case '"':
		return escaped(rest, "$`\"\\!"), true
	}
	return escaped(rest, " \t|&;<>()$`\\\"'*?[]#~%{}!"), true
}

func escaped(s, special string) string {
	var b strings.Builder
	for i := range len(s) {
		if strings.IndexByte(special, s[i]) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
