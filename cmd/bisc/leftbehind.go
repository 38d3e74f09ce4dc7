package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"bisc/cmd/bisc/view"
	"bisc/internal/host"
	"bisc/internal/host/deadman"
	"bisc/internal/host/sshhost"
	"bisc/layers"
)

// leftBehind says what became of a change that a run before this one left unconfirmed, and writes it down: it was ended
// before anything else happens on the host.
func (s *session) leftBehind(name string, left *sshhost.Leftover) {
	text := leftText(name, left)
	s.progress.Above(func() { fmt.Fprintf(s.c.errs, "bisc: %s\n", view.CleanText(text)) })
	what := "end what run " + left.Who.Run + " left unconfirmed"
	ctx := context.Background()
	id, err := s.log.Intend(ctx, layers.Intent{Host: name, Address: left.Who.Address, Step: what, Digest: host.ContentDigest([]byte(what)), Aside: true, At: time.Now()})
	if err == nil {
		err = s.log.Settle(ctx, id, layers.Result{State: layers.Done, Err: text, At: time.Now()})
	}
	if err != nil {
		s.c.complain(fmt.Errorf("recording it: %w", err))
	}
}

func leftText(name string, left *sshhost.Leftover) string {
	text := fmt.Sprintf("%s: run %s never came to its end: its change of %s (%s) ", name, left.Who.Run, left.Who.Address, left.Who.Reason)
	switch {
	case left.State == deadman.Kept:
		return text + "was proved and is kept"
	case left.Failed > 0:
		return text + fmt.Sprintf("was taken back, but %d acts of that FAILED: %s", left.Failed, strings.Join(left.Log, "; "))
	case left.State == deadman.Reverted:
		return text + "was taken back: " + strings.Join(left.Log, "; ")
	}
	return text + "is " + string(left.State) + ": look at journalctl -t bisc there"
}
