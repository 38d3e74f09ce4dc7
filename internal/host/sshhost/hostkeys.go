package sshhost

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
	xknownhosts "golang.org/x/crypto/ssh/knownhosts"
)

// keyCheck checks the host key of one address, and remembers what it saw.
type keyCheck struct {
	cfg     *Config
	address string // as dialled, host:port
	lookup  string // as looked up in known_hosts
	db      *knownhosts.HostKeyDB
	files   []string
	without []string // key types that a pin was found not to mean

	seen ssh.PublicKey
	err  error // why the key was refused
}

func newKeyCheck(cfg *Config, address string) (*keyCheck, error) {
	k := &keyCheck{cfg: cfg, address: address, lookup: address}
	if cfg.HostKeyAlias != "" {
		k.lookup = net.JoinHostPort(cfg.HostKeyAlias, "22") // ssh looks an alias up without a port
	}
	if len(cfg.HostKeys) > 0 {
		return k, nil
	}
	wanted := cfg.KnownHosts
	if len(wanted) == 0 {
		wanted = defaultKnownHosts()
	}
	for _, f := range wanted {
		if _, err := os.Stat(f); err == nil {
			k.files = append(k.files, f)
		}
	}
	db, err := knownhosts.NewDB(k.files...)
	if err != nil {
		return nil, fmt.Errorf("read known_hosts: %w", err)
	}
	k.db = db
	return k, nil
}

func defaultKnownHosts() []string {
	var files []string
	if home, err := os.UserHomeDir(); err == nil {
		files = append(files, filepath.Join(home, ".ssh/known_hosts"), filepath.Join(home, ".ssh/known_hosts2"))
	}
	return append(files, "/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2")
}

// algorithms orders the host key algorithms by what is known of the host: x/crypto otherwise fails with "key mismatch"
// when the file knows another type than the one that is offered first (golang #29286). Empty means the default order.
func (k *keyCheck) algorithms() []string {
	if k.db != nil {
		return k.db.HostKeyAlgorithms(k.lookup)
	}
	var known []string
	for _, pin := range k.cfg.HostKeys {
		if key := parsePin(pin); key != nil {
			known = append(known, algorithmsOf(key.Type())...)
		}
	}
	if len(known) > 0 {
		return known
	}
	if len(k.without) == 0 {
		return nil
	}
	for _, t := range []string{ssh.KeyAlgoED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521, ssh.KeyAlgoRSA} {
		if !slices.Contains(k.without, t) {
			known = append(known, algorithmsOf(t)...)
		}
	}
	return known
}

// algorithmsOf lists the signature algorithms of a key type. SHA-1 is not among them.
func algorithmsOf(keyType string) []string {
	if keyType == ssh.KeyAlgoRSA {
		return []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256}
	}
	return []string{keyType}
}

// parsePin reads a pin that is a whole key; nil where it is a fingerprint.
func parsePin(pin string) ssh.PublicKey {
	if strings.HasPrefix(pin, "SHA256:") {
		return nil
	}
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(pin))
	if err != nil {
		return nil
	}
	return key
}

// callback is the ssh.HostKeyCallback. Its error is kept, since the handshake's own may hide it.
func (k *keyCheck) callback(_ string, remote net.Addr, key ssh.PublicKey) error {
	k.seen = key
	if k.db == nil {
		k.err = k.checkPins(key)
	} else {
		k.err = k.checkKnown(remote, key)
	}
	return k.err
}

var errPin = errors.New("host key is not the pinned one")

func (k *keyCheck) checkPins(key ssh.PublicKey) error {
	print := ssh.FingerprintSHA256(key)
	for _, pin := range k.cfg.HostKeys {
		if pin == print {
			return nil
		}
		if p := parsePin(pin); p != nil && ssh.FingerprintSHA256(p) == print {
			return nil
		}
	}
	return fmt.Errorf("%w: it offers %s %s, the inventory's host_key says %s: the host was replaced, or this is not the host; nothing was sent to it",
		errPin, key.Type(), print, strings.Join(k.cfg.HostKeys, ", "))
}

func (k *keyCheck) checkKnown(remote net.Addr, key ssh.PublicKey) error {
	err := k.db.HostKeyCallback()(k.lookup, remote, key)
	print := ssh.FingerprintSHA256(key)
	var known *xknownhosts.KeyError
	var revoked *xknownhosts.RevokedError
	_, certificate := key.(*ssh.Certificate)
	switch {
	case err == nil:
		return nil
	case knownhosts.IsHostKeyChanged(err) && errors.As(err, &known):
		var at []string
		for _, w := range known.Want {
			at = append(at, w.Filename+":"+strconv.Itoa(w.Line))
		}
		return fmt.Errorf("host key has changed: it offers %s %s, not the key at %s: the host was replaced, or somebody is in between; nothing was sent to it. If the host was replaced, verify the new key and put it in that line's place",
			key.Type(), print, strings.Join(at, ", "))
	case errors.As(err, &revoked):
		return fmt.Errorf("host key %s is revoked by the @revoked line at %s:%d: the host needs a new key, or this is not the host; nothing was sent to it",
			print, revoked.Revoked.Filename, revoked.Revoked.Line)
	case knownhosts.IsHostUnknown(err):
		return fmt.Errorf("host key is not known: it offers %s %s. Verify it with whoever runs the host, then set host_key = %q in the inventory, or add this line to %s: %s",
			key.Type(), print, print, k.file(), knownhosts.Line([]string{k.lookup}, key))
	}
	if certificate {
		return fmt.Errorf("the host's certificate is refused: %w: have it signed again with this name and a time that is not over (ssh-keygen -s), or pin the key itself with host_key", err)
	}
	return fmt.Errorf("host key refused: %w", err)
}

// file is where a new line belongs.
func (k *keyCheck) file() string {
	if len(k.cfg.KnownHosts) > 0 {
		return k.cfg.KnownHosts[0]
	}
	return defaultKnownHosts()[0]
}

// again tells whether another key type is worth a try: a fingerprint does not say of which type its key is.
func (k *keyCheck) again() bool {
	if k.seen == nil || !errors.Is(k.err, errPin) || len(k.without) >= 4 || slices.Contains(k.without, k.seen.Type()) {
		return false
	}
	if !slices.ContainsFunc(k.cfg.HostKeys, func(pin string) bool { return strings.HasPrefix(pin, "SHA256:") }) {
		return false
	}
	k.without = append(k.without, k.seen.Type())
	return true
}
