package sshhost

import (
	"strings"
	"testing"

	"bisc/internal/host"
	"bisc/internal/host/hosttest"
	"bisc/internal/lab"
)

// TestConform runs the suite over each way into a host.
func TestConform(t *testing.T) {
	l := lab.ForTest(t, lab.Names("perl", "noperl"))
	shell := outOfBand(l.Host("noperl"))
	shell(t, "mv /usr/bin/perl /usr/bin/perl.away")
	for _, c := range []struct{ host, user string }{{"perl", "ops"}, {"perl", "root"}, {"noperl", "ops"}} {
		t.Run(c.host+" "+c.user, func(t *testing.T) {
			p := NewPool(Options{})
			t.Cleanup(func() { _ = p.Close() })
			hosttest.Conform(t, func(t *testing.T) (host.Writer, hosttest.Scratch) {
				h := l.Host(c.host)
				shell := outOfBand(h)
				w, err := p.OpenWriter(t.Context(), config(h, c.user), LockRequest{Owner: "test", Run: "conform"})
				if err != nil {
					t.Fatal(err)
				}
				if noPerl := w.Stats().PerlMissing; noPerl != (c.host == "noperl") {
					t.Fatalf("without Perl: %v", noPerl)
				}
				return w, hosttest.Scratch{Dir: strings.TrimSpace(shell(t, "mktemp -d /srv/conform.XXXX")), Shell: shell}
			})
		})
	}
}
