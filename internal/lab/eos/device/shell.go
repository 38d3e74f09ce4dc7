package device

import (
	"encoding/json"
	"strings"
	"time"

	"bisc/internal/lab/eos/device/config"
)

// Shell is one context of the command line. It is used by one goroutine at a time.
type Shell struct {
	d          *Device
	user, tty  string
	from       string
	privileged bool
	closed     bool
	asks       func(answer string) (string, error) // the next line is an answer to a question
	asking     string                              // the question
	length     int
	width      int
	editor     *config.Editor // nil outside configuration mode
	session    *session       // nil in plain configuration mode
	exact      bool           // words of the configuration must be whole: eAPI without autoComplete
}

// Shell opens a CLI context for a user on a terminal ("vty5"; "command-api" for eAPI).
func (d *Device) Shell(user, tty string) *Shell {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.shells++
	s := &Shell{d: d, user: user, tty: tty, privileged: d.o.Flags.LoginPrivileged, length: 24, width: 80}
	d.contexts[s] = true
	return s
}

// From says from which address the user came; lines of the log name it, as those of EOS do.
func (s *Shell) From(address string) {
	s.d.mu.Lock()
	defer s.d.mu.Unlock()
	s.from = address
}

func (s *Shell) where() string {
	if s.from == "" {
		return s.tty
	}
	return s.tty + " (" + s.from + ")"
}

// Close ends the context. Sessions that it opened stay, as they do on a switch (eos.md G, sonic-mgmt 26993); whether its lock does
// is Flags.LockDies.
func (s *Shell) Close() {
	s.d.mu.Lock()
	defer s.d.mu.Unlock()
	s.leave()
	s.closed = true
	delete(s.d.contexts, s)
	if l := s.d.lock; l != nil && l.holder == s && s.d.o.Flags.LockDies {
		s.d.lock = nil
	}
}

// Closed tells that "exit", "logout" or a reload ended it.
func (s *Shell) Closed() bool {
	s.d.mu.Lock()
	defer s.d.mu.Unlock()
	return s.closed
}

// Prompt is what stands before the cursor: "host>", "host#", "host(config-s-scrapl-if-Lo1)#", a question ("Password: "), or nothing
// while a text is typed. (cli-transcripts/scrapli/test_load_config_merge_diff_and_abort; a session has the first six characters
// of its name.)
func (s *Shell) Prompt() string {
	s.d.mu.Lock()
	defer s.d.mu.Unlock()
	if s.asks != nil {
		return s.asking
	}
	host := s.d.hostname()
	switch {
	case s.editor == nil && s.privileged:
		return host + "#"
	case s.editor == nil:
		return host + ">"
	case s.editor.InText():
		return ""
	}
	in := "config"
	if s.session != nil {
		in += "-s-" + s.session.name[:min(6, len(s.session.name))]
	}
	if m := s.editor.Mode(); m != "" {
		in += "-" + m
	}
	return host + "(" + in + ")#"
}

// Mode is "exec", "enable", "config" or "session".
func (s *Shell) Mode() string {
	s.d.mu.Lock()
	defer s.d.mu.Unlock()
	switch {
	case s.session != nil:
		return "session"
	case s.editor != nil:
		return "config"
	case s.privileged:
		return "enable"
	}
	return "exec"
}

// Asking tells that the next line answers a question, and whether it is a password, which is not echoed.
func (s *Shell) Asking() (question string, secret bool) {
	s.d.mu.Lock()
	defer s.d.mu.Unlock()
	return s.asking, strings.HasPrefix(s.asking, "Password")
}

// InText tells that the lines are a text up to "EOF" (a banner, a comment, an action).
func (s *Shell) InText() bool {
	s.d.mu.Lock()
	defer s.d.mu.Unlock()
	return s.editor != nil && s.editor.InText()
}

// Privileged tells whether "enable" has been done.
func (s *Shell) Privileged() bool { return s.privileged }

// Terminal gives the lines of a page (0: no paging) and the columns.
func (s *Shell) Terminal() (length, width int) { return s.length, s.width }

// Cost is how long the switch takes for this line: what the fault Slow says, else 0. Whoever is the front end waits it.
func (s *Shell) Cost(line string) time.Duration {
	s.d.mu.Lock()
	defer s.d.mu.Unlock()
	for begin, long := range s.d.faults.Slow {
		if strings.HasPrefix(strings.TrimSpace(line), begin) {
			return long
		}
	}
	return 0
}

// Run executes one line in the current mode and gives what the command line prints, without the prompt, each line ended by
// "\n". A refusal is an *Error (its text is what a terminal shows); out then holds what came before it.
func (s *Shell) Run(line string) (out string, err error) {
	if command, is := BashCommand(line); is && !s.InText() {
		return s.bash(command)
	}
	s.d.mu.Lock()
	defer s.d.mu.Unlock()
	return s.run(line)
}

// JSON executes one line as eAPI does with format json: the model of a show command, {} for most others, {"messages": [...]}
// where the command says something. An *Error of kind Unconverted has no JSON.
func (s *Shell) JSON(line string) (json.RawMessage, error) {
	if asks(line) && !s.InText() {
		out, err := s.Run(strings.TrimSuffix(strings.TrimSpace(line), "| json") + " | json")
		return json.RawMessage(out), err
	}
	out, err := s.Run(line)
	if err != nil {
		return nil, err
	}
	if out = strings.TrimSpace(out); out != "" {
		return json.Marshal(map[string][]string{"messages": strings.Split(out, "\n")})
	}
	return json.RawMessage("{}"), nil
}

// denied is AAA's command authorization (eos.md A.4, [I] for the words; it may name what was typed, a secret too: eos.md A.1).
func (d *Device) denied(line string) error {
	for _, begin := range d.faults.Deny {
		if strings.HasPrefix(strings.TrimSpace(line), begin) {
			return &Error{Kind: Denied, Message: "Authorization denied for command '" + strings.TrimSpace(line) + "'"}
		}
	}
	return nil
}

func (s *Shell) run(line string) (string, error) {
	d := s.d
	d.tick()
	if ask := s.asks; ask != nil {
		s.asks, s.asking = nil, ""
		return ask(strings.TrimSpace(line))
	}
	d.log = append(d.log, s.user+"@"+s.tty+": "+line)
	if s.editor != nil && s.editor.InText() {
		err := s.editor.Run(line)
		s.done()
		return "", translate(err)
	}
	words := strings.Fields(line)
	if len(words) == 0 || words[0][0] == '!' && (s.editor == nil || !strings.HasPrefix(words[0], "!!")) {
		return "", nil
	}
	if err := d.denied(line); err != nil {
		return "", err
	}
	switch {
	case asks(line):
		return s.show(strings.TrimSpace(line))
	case s.editor != nil:
		return s.configure(line, words)
	}
	return s.exec(line, words)
}
