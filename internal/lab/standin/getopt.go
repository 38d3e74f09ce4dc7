package standin

import "strings"

// options are what getopt found: each letter with its values in order, "" where it takes none.
type options map[byte][]string

func (o options) has(letter byte) bool { return o[letter] != nil }

// last returns the last value of a letter, or def.
func (o options) last(letter byte, def string) string {
	if values := o[letter]; values != nil {
		return values[len(values)-1]
	}
	return def
}

// list returns a letter's values, each cut at commas, or def.
func (o options) list(letter byte, def ...string) []string {
	if !o.has(letter) {
		return def
	}
	return strings.Split(strings.Join(o[letter], ","), ",")
}

// getopt reads options as glibc's does: letters may be joined, a letter followed by : takes a value, and options may
// come after other words.
func getopt(args []string, letters string) (options, []string, error) {
	found := options{}
	var words []string
	for i := 0; i < len(args); i++ {
		arg := args[i]
		if arg == "--" {
			return found, append(words, args[i+1:]...), nil
		}
		if len(arg) < 2 || arg[0] != '-' {
			words = append(words, arg)
			continue
		}
		for j := 1; j < len(arg); j++ {
			at := strings.IndexByte(letters, arg[j])
			if at < 0 || arg[j] == ':' {
				return nil, nil, usage("invalid option '%c'", arg[j])
			}
			if at+1 == len(letters) || letters[at+1] != ':' {
				found[arg[j]] = append(found[arg[j]], "")
				continue
			}
			value := arg[j+1:]
			if value == "" {
				if i++; i == len(args) {
					return nil, nil, usage("missing argument for '%c' option", arg[j])
				}
				value = args[i]
			}
			found[arg[j]] = append(found[arg[j]], value)
			break
		}
	}
	return found, words, nil
}
