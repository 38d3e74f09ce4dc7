package eoshost

import (
	"bytes"
	"regexp"
	"strings"
)

// prompt knows the prompts of one switch: HOST> HOST# HOST(s1)# HOST(config-if-Et1/1)# HOST(config-s-NAME6)# [V]. It is anchored on
// the host's own name: a search for any word before # would find one in most configurations.
type prompt struct {
	host string
	line *regexp.Regexp // the whole of a line, its "\r" gone
	tail *regexp.Regexp // at the end of a text
}

// promptForm is a prompt after its host's name: supervisor, mode, privilege, and blanks, of which some may be ours: a key for a pager that
// was none.
const promptForm = `(\(s[12]\))?(?:\(([^()\n]*)\))?([>#]) {0,16}`

func newPrompt(hostname string) *prompt {
	p := regexp.QuoteMeta(hostname) + promptForm
	return &prompt{host: hostname, line: regexp.MustCompile(`^` + p + `$`), tail: regexp.MustCompile(p + `$`)}
}

// learnPrompt finds the host's name by the prompt that stands right before the echo of a word that only we know. Nothing else
// proves a prompt: a banner may look like one. Nil: not there yet.
func learnPrompt(text []byte, word string) *prompt {
	form := regexp.MustCompile(`([A-Za-z0-9][A-Za-z0-9._-]*)` + promptForm + regexp.QuoteMeta(word))
	all := form.FindAllSubmatch(text, -1)
	if len(all) == 0 {
		return nil
	}
	return newPrompt(string(all[len(all)-1][1]))
}

// looksPrompted tells whether a text ends as some switch's prompt does; that alone proves nothing.
var looksPrompted = regexp.MustCompile(`(?:^|\n)\r*[A-Za-z0-9][A-Za-z0-9._-]*` + promptForm + `$`)

// prompts is how many prompts of the host stand at a text's end that its last one names.
func prompts(text []byte) int {
	last := anyPrompt.FindSubmatch(lastOf(text))
	if last == nil {
		return 0
	}
	one := regexp.MustCompile(regexp.QuoteMeta(string(last[1])) + promptForm)
	return len(one.FindAllIndex(text, -1))
}

var anyPrompt = regexp.MustCompile(`([A-Za-z0-9][A-Za-z0-9._-]*)` + promptForm + `$`)

// standing is the mode and privilege of the prompt at a text's end; at is false where the text's last line is none.
func (p *prompt) standing(text []byte) (mode string, privileged, at bool) {
	last := lastOf(text)
	m := p.line.FindSubmatch(bytes.TrimLeft(plain(last), "\r"))
	if m == nil {
		return "", false, false
	}
	return string(m[2]), string(m[3]) == "#", true
}

// before gives where a prompt that stands right before at begins; -1 where there is none.
func (p *prompt) before(text []byte, at int) int {
	from := max(0, at-512)
	m := p.tail.FindIndex(text[from:at])
	if m == nil {
		return -1
	}
	return from + m[0]
}

// escapes are what a terminal's line editor sends beside text: colours, erasing, bracketed paste.
var escapes = regexp.MustCompile("\x1b(?:\\[[0-?]*[ -/]*[@-~]|[=>78]|\\][^\x07\x1b]*\x07)")

// more is a pager's prompt and how it is wiped away: by going back, by blanks, or by erasing the line. Without that it is text.
var more = regexp.MustCompile(`[ \t]*--More--[ \t]?(?:\x08+ *\x08+|\r +\r|\r)`)

// plain takes a terminal's escapes out.
func plain(b []byte) []byte {
	if bytes.IndexByte(b, '\x1b') < 0 {
		return b
	}
	return escapes.ReplaceAll(b, nil)
}

// lines is a text as the switch meant it: a PTY makes "\r\n" of each line's end. paged says that a pager's prompts are in it.
func lines(b []byte, paged bool) string {
	s := strings.ReplaceAll(string(plain(b)), "\r\n", "\n")
	if paged {
		s = more.ReplaceAllString(s, "")
	}
	return strings.ReplaceAll(s, "\r\n", "\n") // a line's end that came as "\r\r\n"
}

// paging tells whether the pager waits at a text's end.
func paging(text []byte) bool {
	return bytes.Equal(bytes.TrimSpace(plain(lastOf(text))), []byte("--More--"))
}

// lastOf is the last line of a text, or the end of it where that is long: it is looked at each time that something comes.
func lastOf(text []byte) []byte {
	text = text[max(0, len(text)-4096):]
	return text[bytes.LastIndexByte(text, '\n')+1:]
}
