package source

import (
	"strings"

	"github.com/agext/levenshtein"
)

// Suggest finds the candidate that a person may have meant; empty where none is near. Near is a third of its letters, or
// two where it has four or more (letters swapped are two), or one.
func Suggest(word string, candidates []string) string {
	best, near := "", -1
	if len(word) > 200 {
		return ""
	}
	for _, c := range candidates {
		if c == word || len(c) > 200 {
			continue
		}
		d := levenshtein.Distance(word, c, nil)
		if d <= nearness(min(len(word), len(c))) && (near < 0 || d < near) {
			best, near = c, d
		}
	}
	return best
}

func nearness(letters int) int {
	if letters < 4 {
		return 1
	}
	return max(2, letters/3)
}

// DidYouMean is a sentence with the suggestion, or with the list where it is short, or nothing.
func DidYouMean(word string, candidates []string) string {
	if s := Suggest(word, candidates); s != "" {
		return " Did you mean " + Quote(s) + "?"
	}
	if len(candidates) == 0 || len(candidates) > 12 {
		return ""
	}
	if len(candidates) == 1 {
		return " There is only " + candidates[0] + "."
	}
	out := " There are "
	for i, c := range candidates {
		switch {
		case i > 0 && i == len(candidates)-1:
			out += " and "
		case i > 0:
			out += ", "
		}
		out += c
	}
	return out + "."
}

// Sentence makes the text of an error one: a large letter first, unless that is a path or a name, and a full stop last.
func Sentence(s string) string {
	s = strings.TrimSpace(s)
	if s == "" {
		return "It is not valid."
	}
	if !strings.HasSuffix(s, ".") {
		s += "."
	}
	if first, _, _ := strings.Cut(s, " "); strings.ContainsAny(strings.TrimSuffix(first, ","), "/._:=") {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// Quote puts a word in quotes where its edges would not be seen otherwise.
func Quote(word string) string { return `"` + word + `"` }
