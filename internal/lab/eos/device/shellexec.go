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
