package signature

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

// Allowed is who may sign: an allowed_signers file (ssh-keygen(1), "ALLOWED SIGNERS").
type Allowed []line

// line is one line of it.
type line struct {
	number     int
	principals []string // patterns
	key        ssh.PublicKey
	authority  bool     // the key certifies those of the principals
	namespaces []string // patterns; nil: any
	after      time.Time
	before     time.Time
}

// errOther: a line is about another key.
var errOther = errors.New("another key")

// ParseAllowed reads an allowed_signers file. What it does not understand is an error: a line that restricts must not be
// passed over.
func ParseAllowed(name string, text []byte) (Allowed, error) {
	var out Allowed
	number := 0
	for raw := range bytes.Lines(text) {
		number++
		raw = bytes.TrimSpace(raw)
		if len(raw) == 0 || raw[0] == '#' {
			continue
		}
		l, err := parseLine(string(raw))
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, number, err)
		}
		l.number = number
		out = append(out, l)
	}
	return out, nil
}

func parseLine(text string) (line, error) {
	var l line
	principals, rest, ok := cutWord(text)
	if !ok {
		return l, errors.New("want: principals [options] key")
	}
	l.principals = strings.Split(principals, ",")
	key, _, options, more, err := ssh.ParseAuthorizedKey([]byte(rest))
	if err != nil || len(more) > 0 {
		return l, fmt.Errorf("no key is found behind the principals: %w", err)
	}
	l.key = key
	var seen []string
	for _, o := range options {
		name, value, _ := strings.Cut(o, "=")
		name = strings.ToLower(name)
		if slices.Contains(seen, name) { // ssh-keygen refuses it too: which of the two restricts?
			return l, fmt.Errorf("the option %s is there twice", name)
		}
		seen = append(seen, name)
		if err := l.option(name, strings.Trim(value, `"`)); err != nil {
			return l, err
		}
	}
	return l, nil
}

// cutWord takes the first word, which may be in quotes.
func cutWord(text string) (word, rest string, ok bool) {
	if quoted, found := strings.CutPrefix(text, `"`); found {
		word, rest, ok = strings.Cut(quoted, `"`)
		return word, strings.TrimSpace(rest), ok && word != ""
	}
	at := strings.IndexAny(text, " \t")
	if at < 0 {
		return "", "", false
	}
	return text[:at], strings.TrimSpace(text[at:]), true
}

func (l *line) option(name, value string) error {
	var err error
	switch name {
	case "cert-authority":
		l.authority = true
	case "namespaces":
		l.namespaces = strings.Split(value, ",")
	case "valid-after":
		l.after, err = moment(value)
	case "valid-before":
		l.before, err = moment(value)
	default:
		err = fmt.Errorf("an option that bisc does not know: %q", name)
	}
	return err
}

// moment reads YYYYMMDD[HHMM[SS]][Z]; without Z it is local time.
func moment(text string) (time.Time, error) {
	where := time.Local
	digits, utc := strings.CutSuffix(text, "Z")
	if utc {
		where = time.UTC
	}
	for _, form := range []string{"20060102", "200601021504", "20060102150405"} {
		if len(digits) == len(form) {
			return time.ParseInLocation(form, digits, where)
		}
	}
	return time.Time{}, fmt.Errorf("%q is no time: want YYYYMMDD[HHMM[SS]][Z]", text)
}

// principal is who the line says that a key's owner is, if it lets the key sign a plan at that moment.
func (l line) principal(key ssh.PublicKey, now time.Time) (string, error) {
	cert, certified := key.(*ssh.Certificate)
	switch {
	case l.authority != certified:
		return "", errOther
	case certified && !same(cert.SignatureKey, l.key), !certified && !same(key, l.key):
		return "", errOther
	case l.namespaces != nil && !matches(l.namespaces, Namespace):
		return "", fmt.Errorf("the key may not sign in the namespace %s", Namespace)
	case !l.after.IsZero() && now.Before(l.after):
		return "", fmt.Errorf("the key is not valid before %s", l.after.Format(time.RFC3339))
	case !l.before.IsZero() && !now.Before(l.before):
		return "", fmt.Errorf("the key was valid until %s", l.before.Format(time.RFC3339))
	case certified:
		return l.certified(cert, now)
	}
	return strings.Join(l.principals, ","), nil
}

// certified is the first principal of a certificate that the line covers.
func (l line) certified(cert *ssh.Certificate, now time.Time) (string, error) {
	if cert.CertType != ssh.UserCert {
		return "", errors.New("the certificate is a host's")
	}
	check := ssh.CertChecker{Clock: func() time.Time { return now }}
	err := errors.New("the certificate names nobody that the line covers")
	for _, p := range cert.ValidPrincipals {
		if !matches(l.principals, p) {
			continue
		}
		if err = check.CheckCert(p, cert); err == nil {
			return p, nil
		}
	}
	return "", err
}

func same(a, b ssh.PublicKey) bool { return bytes.Equal(a.Marshal(), b.Marshal()) }

// matches is OpenSSH's match_pattern_list: one pattern must match, and none that begins with an exclamation mark.
func matches(patterns []string, text string) bool {
	match := func(p string) bool {
		p = strings.NewReplacer(`\`, `\\`, "[", `\[`, "/", "\x00").Replace(p)
		ok, err := path.Match(p, strings.ReplaceAll(text, "/", "\x00"))
		return ok && err == nil
	}
	denied := slices.ContainsFunc(patterns, func(p string) bool { q, not := strings.CutPrefix(p, "!"); return not && match(q) })
	return !denied && slices.ContainsFunc(patterns, func(p string) bool { return !strings.HasPrefix(p, "!") && match(p) })
}
