package host

import "strings"

// Quote joins words into one line that a POSIX shell splits back into exactly these words. It is the only way by which a
// value may reach a shell's text (the fallback channel and what people paste); everything else goes as argv.
func Quote(words ...string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = quoteWord(w)
	}
	return strings.Join(quoted, " ")
}

func quoteWord(w string) string {
	if w != "" && strings.IndexFunc(w, needsQuote) < 0 {
		return w
	}
	return "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
}

// needsQuote is a list of what is safe, not of what is dangerous. A leading ~ or = is not in it on purpose (zsh expands
// =word; every shell expands ~).
func needsQuote(r rune) bool {
	switch {
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
		return false
	}
	return !strings.ContainsRune("_./:@%+,-", r)
}
