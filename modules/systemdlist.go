package modules

import (
	"fmt"
	"strings"
)

// SystemdList gives the words of a list as systemctl show prints it (units, paths). Words stand between blanks; one that a
// shell would read otherwise, such as every unit of a path with a dash in it, stands in double quotes with a backslash
// before each backslash, quote, dollar and backquote: "srv-a\\x2db.mount" is srv-a\x2db.mount (seen with systemd 252). A quote
// that does not end so is an error: half a name would be the name of another unit.
func SystemdList(text string) ([]string, error) {
	var out []string
	for rest := strings.TrimLeft(text, " \t\n"); rest != ""; rest = strings.TrimLeft(rest, " \t\n") {
		word, after, ok := rest, "", true
		if rest[0] == '"' {
			word, after, ok = unquoted(rest[1:])
		} else if end := strings.IndexAny(rest, " \t\n"); end >= 0 {
			word, after = rest[:end], rest[end:]
		}
		if !ok || rest[0] != '"' && strings.ContainsAny(word, `"'`) || after != "" && !strings.ContainsAny(after[:1], " \t\n") {
			return nil, fmt.Errorf("a list of systemd's with a quote that is not closed: %q", text)
		}
		out, rest = append(out, word), after
	}
	return out, nil
}

// unquoted reads up to the quote that closes, and gives what follows it.
func unquoted(text string) (word, after string, closed bool) {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			return b.String(), text[i+1:], true
		case c == '\\' && i+1 < len(text):
			i++
			b.WriteByte(text[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", "", false
}
