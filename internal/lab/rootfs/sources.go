package rootfs

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// sources returns the entries of the machine's own apt sources for the release codename, as one text in the one-line
// style and one in deb822 style: mmdebstrap takes both, but not in one file. Entries of other publishers are left
// out: they only cost time. Each entry gets the components given, beside those that it has.
func sources(dir, codename string, components ...string) (oneLine, deb822 string, err error) {
	lists, _ := filepath.Glob(filepath.Join(dir, "sources.list.d", "*.list"))
	for _, name := range append([]string{filepath.Join(dir, "sources.list")}, lists...) {
		text, err := os.ReadFile(name)
		if err != nil && !os.IsNotExist(err) {
			return "", "", fmt.Errorf("read apt sources: %w", err)
		}
		for line := range strings.Lines(string(text)) {
			if wantLine(line, codename) {
				oneLine += addWords(strings.TrimSpace(line), components) + "\n"
			}
		}
	}
	stanzas, _ := filepath.Glob(filepath.Join(dir, "sources.list.d", "*.sources"))
	for _, name := range stanzas {
		text, err := os.ReadFile(name)
		if err != nil {
			return "", "", fmt.Errorf("read apt sources: %w", err)
		}
		for _, stanza := range paragraphs(string(text)) {
			if wantStanza(stanza, codename) {
				deb822 += addComponents(stanza, components) + "\n"
			}
		}
	}
	if oneLine == "" && deb822 == "" {
		return "", "", fmt.Errorf("%s has no source for %s main", dir, codename)
	}
	return oneLine, deb822, nil
}

func wantSuite(suite, codename string) bool {
	return suite == codename || suite == codename+"-updates" || suite == codename+"-security"
}

// wantLine tells whether a line of the form deb [options] uri suite component... is one of the release's own.
func wantLine(line, codename string) bool {
	rest, ok := strings.CutPrefix(strings.TrimSpace(line), "deb ")
	if !ok {
		return false
	}
	if open := strings.TrimSpace(rest); strings.HasPrefix(open, "[") {
		_, rest, _ = strings.Cut(open, "]")
	}
	words := strings.Fields(rest)
	return len(words) > 2 && wantSuite(words[1], codename) && slices.Contains(words[2:], "main")
}

// paragraphs cuts a deb822 text at its empty lines and drops comments.
func paragraphs(text string) []string {
	var all []string
	var now strings.Builder
	for line := range strings.Lines(text + "\n\n") {
		switch {
		case strings.HasPrefix(line, "#"):
		case strings.TrimSpace(line) != "":
			now.WriteString(line)
		case now.Len() > 0:
			all = append(all, now.String())
			now.Reset()
		}
	}
	return all
}

// wantStanza tells whether a deb822 stanza is one of the release's own.
func wantStanza(stanza, codename string) bool {
	fields := map[string][]string{}
	for line := range strings.Lines(stanza) {
		if key, value, ok := strings.Cut(line, ":"); ok {
			fields[strings.ToLower(key)] = strings.Fields(value)
		}
	}
	own := slices.ContainsFunc(fields["suites"], func(s string) bool { return wantSuite(s, codename) })
	return own && slices.Contains(fields["types"], "deb") && slices.Contains(fields["components"], "main") &&
		!slices.Contains(fields["enabled"], "no")
}

// addWords adds to a line the words that it lacks.
func addWords(line string, words []string) string {
	for _, word := range words {
		if !slices.Contains(strings.Fields(line), word) {
			line += " " + word
		}
	}
	return line
}

// addComponents adds components to those of a deb822 stanza.
func addComponents(stanza string, components []string) string {
	var out strings.Builder
	for line := range strings.Lines(stanza) {
		key, _, _ := strings.Cut(line, ":")
		if strings.EqualFold(key, "components") {
			line = addWords(strings.TrimSuffix(line, "\n"), components) + "\n"
		}
		out.WriteString(line)
	}
	return out.String()
}
