package main

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// clean fails the test where output could drive a terminal: control characters, text direction marks, torn UTF-8.
func clean(t *testing.T, what string, e ended) {
	t.Helper()
	for _, text := range []string{e.out, e.errs} {
		if !utf8.ValidString(text) {
			t.Errorf("%s: not UTF-8: %.200q", what, text)
		}
		if i := strings.IndexFunc(text, drives); i >= 0 {
			t.Errorf("%s: %q in ...%.120q", what, text[i], text[max(0, i-60):])
		}
	}
}

func drives(r rune) bool {
	switch {
	case r == '\n' || r == '\t':
		return false
	case r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r == 0x200e, r == 0x200f, r == 0x061c:
		return true
	}
	return unicode.IsControl(r)
}
