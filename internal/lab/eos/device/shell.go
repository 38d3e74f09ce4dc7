package device

import (
	"encoding/json"
	"strings"
	"time"
)

// Shell is one context of the command line. It is used by one goroutine at a time.
type Shell struct {
	d          *Device
	user, tty  string
	privileged bool
	closed     bool
	asks       func(answer string) (string, error) // the next line is an answer to a question
	asking     string                              // the question
	length     int
	width      int
}

// Shell opens a CLI context for a user on a terminal ("vty5"; "command-api" for eAPI).
func (d *Device) Shell(user, tty string) *Shell {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.shells++
	return &Shell{d: d, user: user, tty: tty, privileged: d.o.Flags.LoginPrivileged, length: 24, width: 80}
}

// Close ends the context. A lock that it holds is freed; sessions that it opened stay, as they do on a switch.
func (s *Shell) Close() {
	s.d.mu.Lock()
	defer s.d.mu.Unlock()
	s.closed = true
}

// Closed tells that "exit" or "logout" ended it.
func (s *Shell) Closed() bool { return s.closed }

// Prompt is what stands before the cursor: "host>", "host#", "host(config-s-scrapl-if-Lo1)#", or a question ("Password: ").
// (cli-transcripts/scrapli/test_load_config_merge_diff_and_abort)
func (s *Shell) Prompt() string {
	s.d.mu.Lock()
	defer s.d.mu.Unlock()
	if s.asks != nil {
		return s.asking
	}
	end := ">"
	if s.privileged {
		end = "#"
	}
	return s.d.o.Hostname + end
}

// Asking tells that the next line answers a question and is not echoed when it is a password.
func (s *Shell) Asking() (question string, secret bool) {
	return s.asking, strings.HasPrefix(s.asking, "Password")
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
	s.d.mu.Lock()
	defer s.d.mu.Unlock()
	return s.run(line)
}

// JSON executes one line as eAPI does with format json: the model of a show command, {} for most others, {"messages": [...]}
// where the command says something. An *Error of kind Unconverted has no JSON.
func (s *Shell) JSON(line string) (json.RawMessage, error) {
	out, err := s.Run(line)
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(strings.TrimSpace(line), "show ") {
		return nil, &Error{Kind: Unconverted, Message: "This is an unconverted command"}
	}
	if out = strings.TrimSpace(out); out != "" {
		return json.Marshal(map[string][]string{"messages": strings.Split(out, "\n")})
	}
	return json.RawMessage("{}"), nil
}

// BashCommand gives the command that a line "bash ..." passes to Linux; the front end streams it, so that it can feed and be
// fed bytes (eos.md A.4, D.3).
func BashCommand(line string) (command string, is bool) {
	rest, is := strings.CutPrefix(strings.TrimSpace(line), "bash ")
	return strings.TrimSpace(rest), is
}

func (s *Shell) run(line string) (string, error) {
	d := s.d
	d.tick()
	if ask := s.asks; ask != nil {
		s.asks, s.asking = nil, ""
		return ask(strings.TrimSpace(line))
	}
	d.log = append(d.log, s.user+"@"+s.tty+": "+line)
	words := strings.Fields(line)
	if len(words) == 0 || words[0][0] == '!' {
		return "", nil
	}
	switch strings.Join(words, " ") {
	case "enable":
		s.privileged = true
		return "", nil
	case "exit":
		s.closed = true
		return "", nil
	}
	return "", invalid(1, words[0])
}
