package sshhost

import (
	"errors"
	"strings"
	"testing"
	"time"

	"bisc/internal/host"
	"bisc/internal/lab"
)

// TestLockNamesItsHolder: who comes second is never told of the holder before, not even while the new one has the lock and
// not yet its token: a full disk under /var can make that long. Here a pipe that nobody reads does.
func TestLockNamesItsHolder(t *testing.T) {
	l := lab.ForTest(t, lab.Names("perl", "noperl"))
	outOfBand(l.Host("noperl"))(t, "mv /usr/bin/perl /usr/bin/perl.away")
	for _, name := range []string{"perl", "noperl"} {
		t.Run(name, func(t *testing.T) {
			shell := outOfBand(l.Host(name))
			p := pool(t)
			if err := writer(t, p, config(l.Host(name), "ops"), "before").Close(); err != nil {
				t.Fatal(err)
			}
			shell(t, "rm -f /var/lib/bisc/token.new; mkfifo /var/lib/bisc/token.new")
			first := make(chan struct{})
			go func() { // what becomes of it with a pipe for its token is not the question
				w, err := p.OpenWriter(t.Context(), config(l.Host(name), "ops"), LockRequest{Owner: "first@here", Run: "first"})
				if err == nil {
					_ = w.Close()
				}
				close(first)
			}()
			shell(t, "until ls -l /proc/[0-9]*/fd 2>/dev/null | grep -q /run/bisc/lock; do sleep 0.02; done")
			var held *host.LockedError
			for range 50 { // between flock and the first byte it is not known
				_, err := p.OpenWriter(t.Context(), config(l.Host(name), "ops"), LockRequest{Owner: "second@there", Run: "second"})
				if !errors.As(err, &held) || held.Lock.Run == "before" {
					t.Fatalf("the second comer is told: %v", err)
				}
				if held.Lock.Run == "first" {
					break
				}
			}
			if held.Lock.Run != "first" || held.Lock.Token != 0 {
				t.Errorf("the second comer is told: %+v", held.Lock)
			}
			shell(t, "cat /var/lib/bisc/token.new")
			<-first
		})
	}
}

func TestLockedErrorOfAnUnknownHolder(t *testing.T) {
	err := &host.LockedError{Host: "a"}
	says(t, err, nil, "a is locked", "not yet known")
	if text := err.Error(); strings.Contains(text, "2562047h") || strings.Contains(text, "run ,") {
		t.Error(text)
	}
	err.Lock = host.Lock{Owner: "o@m", Run: "r", Since: time.Now().Add(-time.Minute)}
	says(t, err, nil, "locked by o@m (run r, for 1m0s)")
}
