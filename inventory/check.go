package inventory

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"unicode"
)

// checkName wants a name that an expression can say: host.<name>.
func checkName(s string) error {
	ok := s != "" && len(s) <= 63 && isLetter(rune(s[0]))
	for _, r := range s {
		ok = ok && (isLetter(r) || r >= '0' && r <= '9' || r == '_' || r == '-')
	}
	if !ok {
		return fmt.Errorf("%q is not a host's name: it is at most 63 letters, digits, - and _, and starts with a letter, so that plans can say host.NAME", s)
	}
	return nil
}

func isLetter(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' }

// checkAddress wants a name or an IP address that no program can take for an option, a path or a port.
func checkAddress(s string) error {
	if err := plainWord("address", s); err != nil {
		return err
	}
	if strings.Contains(s, ":") {
		if _, err := netip.ParseAddr(s); err == nil {
			return nil
		}
		if _, err := netip.ParseAddrPort(s); err == nil || strings.Count(s, ":") == 1 {
			return fmt.Errorf("%q has a port in it: write it as port = ...", s)
		}
		return fmt.Errorf("%q is not an IPv6 address", s)
	}
	for _, r := range s {
		if !isLetter(r) && (r < '0' || r > '9') && !strings.ContainsRune("._-", r) {
			return fmt.Errorf("%q is not a host's name or address: %q cannot be in it", s, r)
		}
	}
	if len(s) > 253 {
		return fmt.Errorf("an address has at most 253 characters, not %d", len(s))
	}
	return nil
}

func checkUser(s string) error {
	if err := plainWord("user", s); err != nil {
		return err
	}
	for _, r := range s {
		if !isLetter(r) && (r < '0' || r > '9') && !strings.ContainsRune("._-@+$", r) {
			return fmt.Errorf("%q is not a user's name: %q cannot be in it", s, r)
		}
	}
	return nil
}

// checkPin wants a fingerprint as ssh-keygen -lf prints it.
func checkPin(s string) error {
	digest, ok := strings.CutPrefix(s, "SHA256:")
	raw, err := base64.RawStdEncoding.DecodeString(digest)
	if !ok || err != nil || len(raw) != 32 {
		return fmt.Errorf("%q is not a key's fingerprint: it is SHA256: and 43 characters, as ssh-keygen -lf prints it", s)
	}
	return nil
}

func checkPath(s string) error {
	if s == "" || strings.HasPrefix(s, "-") || strings.IndexFunc(s, unicode.IsControl) >= 0 {
		return fmt.Errorf("%q is not a path", s)
	}
	return nil
}

// checkArgument wants what exec takes.
func checkArgument(s string) error {
	if strings.ContainsRune(s, 0) {
		return errors.New("a program takes no NUL character")
	}
	return nil
}

// checkTyped wants what an operator can type.
func checkTyped(s string) error {
	if s == "" || strings.IndexFunc(s, unicode.IsControl) >= 0 {
		return fmt.Errorf("%q is nothing to type: write the command as one string, or its words as a list", s)
	}
	return nil
}

func checkEnv(s string) error {
	ok := s != "" && (s[0] < '0' || s[0] > '9')
	for _, r := range s {
		ok = ok && (isLetter(r) || r >= '0' && r <= '9' || r == '_')
	}
	if !ok {
		return errors.New("this is the name of an environment variable, never the password itself")
	}
	return nil
}

func plainWord(what, s string) error {
	switch {
	case s == "":
		return fmt.Errorf("the %s is empty", what)
	case strings.HasPrefix(s, "-"):
		return fmt.Errorf("%q starts with -, so that programs would take it for an option", s)
	case strings.IndexFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) >= 0:
		return fmt.Errorf("%q has a space or a control character in it", s)
	}
	return nil
}
