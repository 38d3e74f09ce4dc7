package view

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"bisc/internal/host"
)

// Clean makes one line of s that is safe on a terminal: control characters, escape sequences, bidirectional and
// zero-width marks, odd spaces and bytes that are not UTF-8 appear as \n, \x1b, \u202e or \xff. Whatever comes from a
// host, a plan or an inventory goes through here before a person sees it: it can neither move the cursor nor pass for
// another line of the report.
func Clean(s string) string { return clean(s, false) }

// CleanText is Clean for text of several lines: newlines and tabs stay.
func CleanText(s string) string { return clean(s, true) }

func clean(s string, lines bool) string {
	if plain(s) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case lines && (r == '\n' || r == '\t'), unicode.IsPrint(r):
			b.WriteRune(r)
		default:
			b.WriteString(escapeRune(r))
		}
		i += n
	}
	return b.String()
}

// plain tells the common case, printable ASCII, without decoding.
func plain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

func escapeRune(r rune) string {
	switch {
	case r == '\n':
		return `\n`
	case r == '\t':
		return `\t`
	case r == '\r':
		return `\r`
	case r < 0x80:
		return fmt.Sprintf(`\x%02x`, r)
	case r > 0xffff:
		return fmt.Sprintf(`\U%08x`, r)
	}
	return fmt.Sprintf(`\u%04x`, r)
}

// visible keeps s as it is but for bytes that are not UTF-8, which become \xff: JSON cannot carry them.
func visible(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 {
			fmt.Fprintf(&b, `\x%02x`, s[i])
		} else {
			b.WriteString(s[i : i+n])
		}
		i += n
	}
	return b.String()
}

func visibleAll(words []string) []string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = visible(w)
	}
	return out
}

// shorten keeps the beginning and the end of a cleaned line that is longer than limit, and says how long it was.
func shorten(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	runes := []rune(s)
	if len(runes) <= limit {
		return s
	}
	return fmt.Sprintf("%s…%s (%d characters)", string(runes[:limit-20]), string(runes[len(runes)-20:]), len(runes))
}

// pasteable joins words into one line that bash splits back into exactly these words and that is safe on a terminal:
// as host.Quote, but a word with anything unprintable in it is written as $'..'.
func pasteable(words ...string) string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = host.Quote(w)
		if Clean(w) != w {
			out[i] = ansiC(w)
		}
	}
	return strings.Join(out, " ")
}

// ansiC writes bytes, not runes, where something is not printable: $'\u' depends on the reader's locale.
func ansiC(w string) string {
	var b strings.Builder
	b.WriteString("$'")
	for i := 0; i < len(w); {
		r, n := utf8.DecodeRuneInString(w[i:])
		switch {
		case r == '\'' || r == '\\':
			b.WriteString(`\` + string(r))
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == utf8.RuneError && n == 1, !unicode.IsPrint(r):
			for _, c := range []byte(w[i : i+n]) {
				fmt.Fprintf(&b, `\x%02x`, c)
			}
		default:
			b.WriteRune(r)
		}
		i += n
	}
	return b.String() + "'"
}

// columns is how wide a cleaned line is on a terminal: combining marks take no place, wide characters two.
func columns(s string) int {
	n := 0
	for _, r := range s {
		switch {
		case unicode.In(r, unicode.Mn, unicode.Me):
		case unicode.In(r, unicode.Han, unicode.Hangul, unicode.Hiragana, unicode.Katakana) || r >= 0x1f300 && r <= 0x1faff || r >= 0xff01 && r <= 0xff60:
			n += 2
		default:
			n++
		}
	}
	return n
}
