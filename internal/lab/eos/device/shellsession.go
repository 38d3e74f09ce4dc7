package device

import "strings"

// configureLine is "configure ..." of exec mode (eos.md B.1).
func (s *Shell) configureLine(words []string) (string, error) {
	if len(words) == 1 || words[1] == "terminal" {
		if err := s.d.held(s); err != nil {
			return "", err
		}
		s.enter(nil)
		return "", nil
	}
	switch words[1] {
	case "session":
		return "", s.sessionCommand(words[2:])
	case "checkpoint":
		return "", s.checkpointCommand(words[2:])
	case "lock", "unlock":
		return "", s.lockCommand(words[1], words[2:])
	case "replace":
		if len(words) < 3 {
			return "", incomplete()
		}
		return "", s.replaceCommand(words[2], words[3:])
	}
	return "", invalid(2, words[1])
}

func (s *Shell) sessionCommand(words []string) error {
	d := s.d
	if len(words) <= 1 {
		if err := d.held(s); err != nil {
			return err
		}
		in, err := d.open(strings.Join(words, ""))
		if err != nil {
			return err
		}
		s.enter(in)
		return nil
	}
	in := d.session(words[0])
	switch {
	case words[1] != "commit" && words[1] != "abort":
		return invalid(4, words[1])
	case in == nil:
		return failed("Session %s does not exist", words[0])
	}
	if err := d.held(s); err != nil {
		return err
	}
	if words[1] == "abort" {
		return d.abort(in, s)
	}
	wait, err := commitTime(words[2:])
	if err != nil {
		return err
	}
	return d.commit(in, s, wait)
}

func (s *Shell) checkpointCommand(words []string) error {
	if len(words) == 1 && words[0] == "save" {
		words = append(words, "ckp-"+s.d.o.Now().UTC().Format("20060102-150405"))
	}
	if len(words) < 2 {
		return incomplete()
	}
	switch words[0] {
	case "save":
		return s.d.checkpoint(words[1])
	case "restore":
		if err := s.d.held(s); err != nil {
			return err
		}
		return s.d.restore(words[1])
	case "delete":
		if s.d.o.Files.Remove(checkpointDir+"/"+words[1]) != nil {
			return failed("Checkpoint %s does not exist", words[1])
		}
		return nil
	}
	return invalid(3, words[0])
}

func (s *Shell) lockCommand(verb string, words []string) error {
	if verb == "unlock" && len(words) == 1 && words[0] == "force" {
		if s.d.lock == nil {
			return failed("Configuration is not locked")
		}
		s.d.lock = nil
		s.d.syslog("ConfigAgent", "SYS-5-CONFIG_UNLOCKED", "Configuration unlocked by user %s on %s (forced)", s.user, s.where())
		return nil
	}
	transaction, reason := "", ""
	if len(words) > 0 {
		if words[0] != "transaction" {
			return invalid(3, words[0])
		}
		if len(words) < 2 {
			return incomplete()
		}
		transaction, reason = words[1], strings.Join(words[2:], " ")
	}
	if verb == "unlock" {
		return s.d.unlock(s, transaction)
	}
	return s.d.acquire(s, transaction, reason)
}
