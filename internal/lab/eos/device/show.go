package device

import (
	"encoding/json"
	"regexp"
	"strings"
)

// answer is what a show command says: as text, and as JSON; a nil model has no JSON ("unconverted command").
type answer struct {
	text  string
	model any
}

// shower is one command that shows: its words, how many more it takes, whether an unprivileged user may ask.
type shower struct {
	words    string
	min, max int
	open     bool
	answer   func(s *Shell, args []string) (answer, error)
}

// shows are all of them: those that begin with show, and dir.
func shows() []shower {
	var all []shower
	for _, l := range [][]shower{showSystem(), showConfig(), showManagement(), showForwarding(), showAgents(), showInterfaces(), showHealth()} {
		for _, c := range l {
			c.words = "show " + c.words
			all = append(all, c)
		}
	}
	return append(all, shower{words: "dir", max: 1, answer: (*Shell).dir})
}

// asks tells whether a line is for show.
func asks(line string) bool {
	word, _, _ := strings.Cut(strings.TrimSpace(line), " ")
	return word == "show" || word == "dir"
}

// show executes a show command and its pipes. Keywords are wanted in full ([I] less than EOS, which takes abbreviations: bisc
// sends none, and a test that would send one should fail).
func (s *Shell) show(line string) (string, error) {
	parts := strings.Split(line, " | ")
	words := strings.Fields(parts[0])
	if strings.HasSuffix(parts[len(parts)-1], "|") {
		return "", incomplete()
	}
	a, err := s.answer(words)
	if err != nil {
		return "", err
	}
	text := a.text
	for _, pipe := range parts[1:] {
		if text, err = filter(strings.TrimSpace(pipe), text, a.model); err != nil {
			return "", err
		}
	}
	return text, nil
}

func (s *Shell) answer(words []string) (answer, error) {
	line := strings.Join(words, " ")
	var best *shower
	reach := 0
	all := shows()
	for i, c := range all {
		for reach < len(words) && (c.words + " ")[:min(len(c.words)+1, len(prefix(words, reach+1)))] == prefix(words, reach+1) {
			reach++
		}
		if (line == c.words || strings.HasPrefix(line, c.words+" ")) && (best == nil || len(c.words) > len(best.words)) {
			best = &all[i]
		}
	}
	if best == nil {
		if reach == len(words) {
			return answer{}, incomplete()
		}
		return answer{}, invalid(reach+1, words[reach])
	}
	used := len(strings.Fields(best.words))
	args := words[used:]
	switch {
	case !best.open && !s.privileged:
		return answer{}, unprivileged()
	case len(args) < best.min:
		return answer{}, incomplete()
	case len(args) > best.max:
		return answer{}, invalid(used+best.max+1, args[best.max])
	}
	return best.answer(s, args)
}

func prefix(words []string, n int) string { return strings.Join(words[:n], " ") + " " }

// filter is what stands behind a pipe.
func filter(pipe, text string, model any) (string, error) {
	word, arg, _ := strings.Cut(pipe, " ")
	arg = strings.Trim(strings.TrimSpace(arg), `"`)
	switch word {
	case "json":
		if model == nil {
			return "", &Error{Kind: Unconverted, Message: "This is an unconverted command"}
		}
		b, err := json.MarshalIndent(model, "", "    ")
		return string(b) + "\n", err
	case "no-more":
		return text, nil
	}
	re, err := regexp.Compile(arg)
	if err != nil || arg == "" {
		return "", failed("Invalid regular expression")
	}
	switch word {
	case "include", "i", "grep":
		return keep(text, re.MatchString), nil
	case "exclude":
		return keep(text, func(l string) bool { return !re.MatchString(l) }), nil
	case "begin":
		begun := false
		return keep(text, func(l string) bool { begun = begun || re.MatchString(l); return begun }), nil
	case "section":
		return sections(text, re), nil
	}
	return "", invalid(1, word)
}

func keep(text string, want func(string) bool) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if want(strings.TrimSuffix(line, "\n")) {
			b.WriteString(line)
		}
	}
	return b.String()
}

// sections gives the top-level blocks in which the expression is found, each up to the next line without an indent.
func sections(text string, re *regexp.Regexp) string {
	var out, block strings.Builder
	flush := func() {
		if re.MatchString(block.String()) {
			out.WriteString(block.String())
		}
		block.Reset()
	}
	for line := range strings.Lines(text) {
		if line[0] != ' ' {
			flush()
		}
		if line != "!\n" {
			block.WriteString(line)
		}
	}
	flush()
	return out.String()
}
