package builds

import (
	"fmt"
	"regexp"
	"strings"
)

// ReadHelp reads the settings out of a daemon's --help: a line "  --NAME VALUE", and below it what it is about.
func ReadHelp(text string) ([]Setting, error) {
	head := regexp.MustCompile(`^  --([a-z0-9-]+) ?(\S*)$`)
	var out []Setting
	about := false
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if m := head.FindStringSubmatch(line); m != nil {
			out, about = append(out, Setting{Name: m[1], Value: m[2]}), true
			continue
		}
		if about {
			out[len(out)-1].About, about = strings.TrimSpace(line), false
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("its --help lists no setting")
	}
	return out, nil
}
