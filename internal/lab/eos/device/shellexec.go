package device

import (
	"strings"
	"time"
)

// exec executes a line of exec mode.
func (s *Shell) exec(line string, words []string) (string, error) {
	switch words[0] {
	case "enable":
		return s.enable()
	case "disable":
		s.privileged = false
		return "", nil
	case "exit", "logout", "quit":
		s.closed = true
		return "", nil
	case "terminal":
		return s.terminal(words)
	}
	if !s.privileged {
		return "", unprivileged()
	}
	switch words[0] {
	case "configure":
		return s.configureLine(words)
	case "no":
		if strings.HasPrefix(line, "no configure session ") && len(words) == 4 {
			return s.configureLine([]string{"configure", "session", words[3], "abort"})
		}
		if len(words) == 3 && words[1] == "extension" {
			return s.extensionLine(words[2], false)
		}
	case "extension":
		if len(words) == 2 {
			return s.extensionLine(words[1], true)
		}
	case "write":
		if len(words) == 1 || words[1] == "memory" {
			return s.copyLine([]string{"copy", "running-config", "startup-config"})
		}
	case "copy":
		return s.copyLine(words)
	case "reload":
		return s.reloadLine(words)
	case "clear":
		return s.clearLine(words)
	}
	return "", invalid(1, words[0])
}

func (s *Shell) enable() (string, error) {
	secret := s.d.o.EnableSecret
	if secret == "" || s.privileged {
		s.privileged = true
		return "", nil
	}
	s.asking = "Password: "
	s.asks = func(answer string) (string, error) {
		if answer != secret {
			return "", failed("Bad secret")
		}
		s.privileged = true
		return "", nil
	}
	return "", nil
}

// terminal: the answers are those of cli-transcripts/scrapli.
func (s *Shell) terminal(words []string) (string, error) {
	if len(words) < 3 {
		return "", incomplete()
	}
	n := 0
	for _, c := range words[2] {
		if c < '0' || c > '9' || n > 1<<20 {
			return "", invalid(3, words[2])
		}
		n = n*10 + int(c-'0')
	}
	switch words[1] {
	case "length":
		s.length = n
		if n == 0 {
			return "Pagination disabled.\n", nil
		}
		return "Pagination set to " + words[2] + " lines.\n", nil
	case "width":
		s.width = n
		return "Width set to " + words[2] + " columns.\n", nil
	}
	return "", invalid(2, words[1])
}

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

// copyLine knows the copies that the switch itself makes; the message is that of eos.md B.1.
func (s *Shell) copyLine(words []string) (string, error) {
	if len(words) < 3 {
		return "", incomplete()
	}
	from, to := words[1], words[2]
	switch {
	case from == "running-config" && to == "startup-config":
		if err := s.d.save(); err != nil {
			return "", err
		}
		s.d.syslog("Cli", "SYS-5-CONFIG_STARTUP", "Startup config saved from system:/running-config by %s on %s.", s.user, s.where())
	case from == "running-config" && strings.HasPrefix(to, "checkpoint:/"):
		if err := s.d.checkpoint(strings.TrimPrefix(to, "checkpoint:/")); err != nil {
			return "", err
		}
	case from == "running-config" && strings.HasPrefix(to, "flash:"):
		name := strings.TrimLeft(strings.TrimPrefix(to, "flash:"), "/")
		if err := s.d.write(name, s.d.document("show running-config", s.d.running)); err != nil {
			return "", err
		}
	default:
		return s.copyExtension(from, to)
	}
	return "Copy completed successfully.\n", nil
}

// reloadLine asks once; "reload now" does not.
func (s *Shell) reloadLine(words []string) (string, error) {
	down := func() (string, error) {
		s.d.reload("Reload requested by the user.")
		return "", nil
	}
	if len(words) == 2 && words[1] == "now" {
		return down()
	}
	if len(words) > 1 {
		return "", invalid(2, words[1])
	}
	s.asking = "Proceed with reload? [confirm]"
	s.asks = func(answer string) (string, error) {
		if answer == "" || strings.HasPrefix("yes", strings.ToLower(answer)) {
			return down()
		}
		return "", nil
	}
	return "", nil
}

func (s *Shell) clearLine(words []string) (string, error) {
	if len(words) == 2 && words[1] == "logging" {
		s.d.messages = nil
		return "", nil
	}
	return "", invalid(min(2, len(words)), words[min(1, len(words)-1)])
}

// uptime is the time since the boot.
func (d *Device) uptime() time.Duration { return d.o.Now().Sub(d.booted) }
