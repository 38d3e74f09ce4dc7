package sshhost

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"bisc/internal/host"
)

const defaultRunDir = "/run/bisc"

// takeLock asks the far end for the host's lock and gives the fencing token.
func takeLock(ctx context.Context, c *channel, want LockRequest) (uint64, error) {
	l := host.Lock{Owner: want.Owner, Run: want.Run, Since: time.Now().UTC().Truncate(time.Second)}
	b, err := json.Marshal(l)
	if err != nil {
		return 0, err
	}
	a, err := c.waves.ask(ctx, newRequest(opLock, c.cfg.answer(), string(b)))
	if err != nil {
		return 0, err
	}
	word, rest, _ := strings.Cut(a.lock, " ")
	switch word {
	case "ok":
		return strconv.ParseUint(rest, 10, 64)
	case "held":
		held := &host.LockedError{Host: c.cfg.Name}
		_ = json.Unmarshal([]byte(rest), &held.Lock) // half written, or none of ours: then its fields are empty
		return 0, held
	}
	return 0, fmt.Errorf("take the lock of %s: %s", c.cfg.Name, rest)
}

// ReadLock tells who holds a host's lock, without taking it: a lock file whose flock is free means nobody.
func ReadLock(ctx context.Context, r host.Reader) (l host.Lock, held bool, err error) {
	return readLock(ctx, r, defaultRunDir+"/lock")
}

func readLock(ctx context.Context, r host.Reader, name string) (l host.Lock, held bool, err error) {
	var st host.Stat
	var text, locks []byte
	absent := func(err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	err = host.Ask(ctx,
		func(ctx context.Context) (err error) { st, err = r.Stat(ctx, name); return absent(err) },
		func(ctx context.Context) (err error) { text, err = r.ReadFile(ctx, name); return absent(err) },
		func(ctx context.Context) (err error) { locks, err = r.ReadFile(ctx, "/proc/locks"); return err },
	)
	if err != nil || st.Inode == 0 {
		return l, false, err
	}
	if held = flocked(string(locks), st); !held {
		if held, err = openIn(ctx, r, text, st); err != nil || !held {
			return l, false, err
		}
	}
	if err := json.Unmarshal(text, &l); err != nil {
		return l, true, fmt.Errorf("%s: %s is locked, and does not say by whom: %w", r.Name(), name, err)
	}
	return l, true, nil
}

// openIn tells whether the shell that wrote itself into the lock file still has it open as its descriptor 9. In a PID
// namespace /proc/locks hides a flock whose taker (the program flock) has ended, though the shell that it took it for
// lives.
func openIn(ctx context.Context, r host.Reader, text []byte, st host.Stat) (bool, error) {
	var by struct {
		PID int `json:"pid"`
	}
	if err := json.Unmarshal(text, &by); err != nil || by.PID == 0 {
		return false, nil // the agent's lock names none: /proc/locks knows it
	}
	fd, err := r.Stat(ctx, fmt.Sprintf("/proc/%d/fd/9", by.PID))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return fd.Inode == st.Inode && fd.Dev == st.Dev, err
}

// flocked looks for a file in /proc/locks: "1: FLOCK  ADVISORY  WRITE 812 00:1a:1234 0 EOF", device in hexadecimal.
func flocked(locks string, st host.Stat) bool {
	at := fmt.Sprintf("%02x:%02x:%d", st.Dev.Major, st.Dev.Minor, st.Inode)
	for line := range strings.Lines(locks) {
		f := strings.Fields(line)
		if len(f) >= 6 && f[1] == "FLOCK" && f[5] == at {
			return true
		}
	}
	return false
}
