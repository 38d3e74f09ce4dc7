package eoshost

import (
	"regexp"
	"slices"
	"strings"

	"bisc/internal/host"
)

// refusal is what a switch said against a command, by the text that it printed; nil: nothing. Exit statuses there are none.
func (c *console) refusal(command, text string) error {
	if strings.HasPrefix(command, "show ") && !refusedShow(text) {
		return nil
	}
	said := refusals(text)
	if len(said) == 0 {
		return nil
	}
	why := c.redacted(strings.Join(said, "\n"))
	return &host.ShowError{Command: c.redacted(command), Text: why, Denied: denied(why), Unconverted: strings.Contains(why, "unconverted command")}
}

// refusedShow tells whether a show was refused: then that is all it printed. A configuration may hold any line.
func refusedShow(text string) bool {
	text = strings.TrimSpace(text)
	return strings.HasPrefix(text, "% ") && strings.Count(text, "\n") < 6
}

// refusals are the lines of a text by which EOS refuses: those that begin with "% " [V], and a few that do not [V: the list of
// Ansible's module].
func refusals(text string) []string {
	var said []string
	for _, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "% ") || slices.ContainsFunc(otherRefusals, func(r *regexp.Regexp) bool { return r.MatchString(line) }) {
			said = append(said, line)
		}
	}
	return said
}

var otherRefusals = []*regexp.Regexp{
	regexp.MustCompile(`^Maximum number of pending sessions has been reached`),
	regexp.MustCompile(`returned error code: ?\d+`),
}

// denied tells whether the user lacks the right: by the switch's AAA [I], or by not being enabled [V].
func denied(why string) bool {
	return strings.Contains(why, "Authorization denied") || strings.Contains(why, "privileged mode required") || strings.Contains(why, "ermission denied")
}

// secretWord is what stands before a secret in a line of the configuration.
var secretWord = regexp.MustCompile(`(?i)\b(secret|password|key|community|passphrase)((?:\s+(?:0|5|7|8a|sha512|encrypted|hidden))?)\s+\S.*`)

// redacted is a text of the switch, or for it, without the secrets in it.
func (c *console) redacted(text string) string {
	if c.secret != "" {
		text = strings.ReplaceAll(text, c.secret, "(withheld)")
	}
	all := strings.Split(text, "\n")
	for i, line := range all {
		all[i] = secretWord.ReplaceAllString(line, "$1$2 (withheld)")
	}
	return strings.Join(all, "\n")
}
