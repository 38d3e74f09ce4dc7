package imagebuild

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// pinned is a reference with the digest of its manifest.
var pinned = regexp.MustCompile(`@sha256:[0-9a-f]{64}$`)

// bases gives the images that a Dockerfile starts from or copies from, and finds what of them moves: a name without a digest means
// something else tomorrow. Those of known may go by their name, since their ids are compared.
func bases(text string, args, known map[string]string) (named []string, err error) {
	var faults []error
	stages := []string{"scratch"}
	for n, line := range instructions(text) {
		words := strings.Fields(line)
		switch word := strings.ToUpper(words[0]); word {
		case "#SYNTAX":
			if !pinned.MatchString(words[1]) {
				faults = append(faults, fmt.Errorf("syntax=%s: it names a program by a name that moves: pin it with @sha256:, or leave it out", words[1]))
			}
		case "ARG":
			if name, value, ok := strings.Cut(strings.Join(words[1:], " "), "="); ok && n >= 0 {
				if _, given := args[name]; !given {
					args[name] = strings.Trim(value, `"'`)
				}
			}
		case "ADD":
			if slices.ContainsFunc(words[1:], func(w string) bool { return strings.Contains(w, "://") }) && !strings.Contains(line, "--checksum=") {
				faults = append(faults, fmt.Errorf("%s: what it fetches is not pinned: add --checksum=sha256:...", line))
			}
		case "FROM", "COPY":
			from, stage := origin(words)
			from = expand(from, args)
			if from != "" && !slices.Contains(stages, from) && !number.MatchString(from) {
				named = append(named, from)
				if _, ok := known[from]; !ok && !pinned.MatchString(from) {
					faults = append(faults, fmt.Errorf("%s: %s moves: pin it (NAME@sha256:...), or name the id of the image that is here with --base %s=sha256:...", line, from, from))
				}
			}
			if stage != "" {
				stages = append(stages, stage)
			}
		}
	}
	slices.Sort(named)
	return slices.Compact(named), errors.Join(faults...)
}

var number = regexp.MustCompile(`^[0-9]+$`)

// origin is the image of FROM or COPY --from, and the name of the stage that it begins.
func origin(words []string) (from, stage string) {
	isFrom := strings.EqualFold(words[0], "FROM")
	for i, w := range words[1:] {
		switch {
		case !isFrom && strings.HasPrefix(w, "--from="):
			return strings.TrimPrefix(w, "--from="), ""
		case !isFrom || strings.HasPrefix(w, "--"):
		case from == "":
			from = w
		case strings.EqualFold(w, "as") && i+2 < len(words):
			return from, words[i+2]
		}
	}
	return from, ""
}

// expand puts build arguments in.
func expand(s string, args map[string]string) string {
	for name, value := range args {
		s = strings.NewReplacer("${"+name+"}", value, "$"+name, value).Replace(s)
	}
	return s
}

// instructions are a Dockerfile's lines, continued ones joined, without comments; a syntax directive comes as #syntax.
func instructions(text string) []string {
	var out []string
	whole := ""
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "#") {
			if name, value, ok := strings.Cut(strings.TrimSpace(line[1:]), "="); ok && len(out) == 0 && strings.EqualFold(strings.TrimSpace(name), "syntax") {
				out = append(out, "#syntax "+strings.TrimSpace(value))
			}
			continue
		}
		if rest, more := strings.CutSuffix(line, `\`); more {
			whole += rest + " "
			continue
		}
		if whole += line; strings.TrimSpace(whole) != "" {
			out = append(out, strings.TrimSpace(whole))
		}
		whole = ""
	}
	return out
}
