package device

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"bisc/internal/lab/eos/device/config"
)

// enter opens configuration mode, on the running configuration or on a session.
func (s *Shell) enter(in *session) {
	s.leave()
	s.session = in
	if in == nil {
		s.editor = s.d.running.Edit()
		s.editor.Exact = s.exact
		return
	}
	s.editor = in.tree.Edit()
	s.editor.Exact = s.exact
	s.d.instances++
	in.inside[s] = s.d.instances
}

// leave goes back to exec mode; what stands in a group-change mode is dropped.
func (s *Shell) leave() {
	if s.session != nil {
		delete(s.session.inside, s)
	}
	s.editor, s.session = nil, nil
}

// configure executes a line of configuration mode.
func (s *Shell) configure(line string, words []string) (string, error) {
	if err := s.d.held(s); err != nil && s.session == nil {
		return "", err
	}
	if s.session == nil {
		s.editor.Retarget(s.d.running)
	} else {
		s.editor.Retarget(s.session.tree)
	}
	switch strings.ToLower(words[0]) {
	case "end":
		if len(words) == 1 {
			s.editor.Leave()
			s.done()
			s.leave()
			return "", nil
		}
	case "exit":
		if len(words) == 1 {
			return "", s.exitMode()
		}
	case "abort":
		if len(words) == 1 {
			return s.abortMode()
		}
	}
	if s.session != nil {
		if handled, out, err := s.sessionLine(words); handled {
			return out, err
		}
	}
	err := s.editor.Run(line)
	s.done()
	return s.typing(), translate(err)
}

// typing is what the switch says when a text is asked for (EOS's manual; [I]).
func (s *Shell) typing() string {
	if s.editor != nil && s.editor.InText() {
		return "Enter TEXT message. Type 'EOF' on its own line to end.\n"
	}
	return ""
}

// done puts in force what a line in plain configuration mode changed.
func (s *Shell) done() {
	if s.session == nil {
		s.d.changed()
	}
}

func (s *Shell) exitMode() error {
	if s.editor.Depth() == 0 {
		s.leave()
		return nil
	}
	s.editor.Exit()
	s.done()
	return nil
}

// abortMode: at the top of a session it drops the session; in a mode below it only leaves the mode, and the session stays
// pending (eos.md B.1, ansible 36979).
func (s *Shell) abortMode() (string, error) {
	if s.editor.Depth() > 0 {
		s.editor.Abort()
		return "", nil
	}
	in := s.session
	s.leave()
	if in == nil {
		return "", nil
	}
	return "", s.d.abort(in, s)
}

// sessionLine handles what only a session has.
func (s *Shell) sessionLine(words []string) (handled bool, out string, err error) {
	switch strings.ToLower(strings.Join(words, " ")) {
	case "rollback clean-config":
		s.editor.Leave()
		s.session.tree = s.d.grammar.New()
		return true, "", nil
	case "no commit timer":
		if t := s.d.timer; t != nil && t.session == s.session {
			s.leave()
			s.d.revert(s.user, s.where(), true)
			return true, "", nil
		}
		return true, "", failed("Session %s has no commit timer", s.session.name)
	}
	if words[0] != "commit" {
		return false, "", nil
	}
	wait, err := commitTime(words[1:])
	if err != nil {
		return true, "", err
	}
	if err := s.d.held(s); err != nil {
		return true, "", err
	}
	in := s.session
	s.editor.Leave()
	if err := s.d.commit(in, s, wait); err != nil {
		return true, "", err
	}
	s.leave() // the command line is in exec mode then, and "end" is an error (eos.md B.1, arista.eos 375)
	return true, "", nil
}

// commitTime reads "" or "timer HH:MM:SS".
func commitTime(words []string) (time.Duration, error) {
	if len(words) == 0 {
		return 0, nil
	}
	if words[0] != "timer" {
		return 0, invalid(2, words[0])
	}
	if len(words) < 2 {
		return 0, incomplete()
	}
	parts := strings.Split(words[1], ":")
	var total time.Duration
	for i, unit := range []time.Duration{time.Hour, time.Minute, time.Second} {
		if len(parts) != 3 {
			return 0, invalid(3, words[1])
		}
		n, err := strconv.Atoi(parts[i])
		if err != nil || n < 0 || i > 0 && n > 59 {
			return 0, invalid(3, words[1])
		}
		total += time.Duration(n) * unit
	}
	if total == 0 || len(words) > 2 {
		return 0, invalid(3, words[1])
	}
	return total, nil
}

// translate gives a refusal of the grammar the command line's words.
func translate(err error) error {
	var e *config.Error
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &e):
		return failed("%v", err)
	case e.Text == "Ambiguous command":
		return &Error{Kind: Ambiguous, Message: e.Text}
	case e.Text != "":
		return failed("%s", e.Text)
	case e.Incomplete:
		return incomplete()
	}
	return invalid(e.Token, e.Word)
}
