package device

import (
	"bytes"
	"context"
	"strings"
)

// BashCommand gives the command that a line "bash ..." passes to Linux; the front end streams it, so that it can feed and be
// fed bytes (eos.md A.4, D.3).
func BashCommand(line string) (command string, is bool) {
	rest, is := strings.CutPrefix(strings.TrimSpace(line), "bash ")
	return strings.TrimSpace(rest), is
}

// MayBash tells whether this context may run a line "bash ...", and logs that it was given. A front end asks before it streams.
func (s *Shell) MayBash(line string) error {
	s.d.mu.Lock()
	defer s.d.mu.Unlock()
	s.d.log = append(s.d.log, s.user+"@"+s.tty+": "+line)
	if err := s.d.denied(line); err != nil {
		return err
	}
	if !s.privileged {
		return unprivileged()
	}
	if s.d.o.Linux == nil {
		return failed("Unavailable command (not supported on this hardware platform)")
	}
	return nil
}

// bash runs a command without input. It holds no lock of the device: the command may ask the switch.
func (s *Shell) bash(command string) (string, error) {
	if err := s.MayBash("bash " + command); err != nil {
		return "", err
	}
	var out bytes.Buffer
	if rc := s.d.o.Linux.Bash(context.Background(), command, strings.NewReader(""), &out, &out); rc != 0 {
		return out.String(), failed("'bash %s' returned error code: %d", command, rc)
	}
	return out.String(), nil
}

func unprivileged() *Error {
	return &Error{Kind: Invalid, Message: "Invalid input (privileged mode required)"}
}
