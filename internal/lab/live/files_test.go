package live

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"bisc/internal/host"
	"bisc/internal/lab/wire"
	"bisc/layers"
)

// mostTurnsOfAnApply is what a hundred changed files may cost: connecting, the plan, the lock, the look before the act, the
// files with their fsyncs, and the proof.
const mostTurnsOfAnApply = 16

// TestTurnsOfAHundredFiles counts a whole apply, as bisc apply --auto-approve does it: one connection that holds the lock
// from the start, one round. A busy machine may part what would go in one turn, so that the least of three counts.
func TestTurnsOfAHundredFiles(t *testing.T) {
	o := oneHost(t, program(t))
	o.sh(t, "mkdir /srv/many; for i in $(seq 0 49); do echo old >/srv/many/$i; done") // half are replaced, half made
	p, err := wire.New(o.at, oneWay)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	o.at = p.Addr()
	least := int64(1 << 62)
	for round := range 3 {
		if least = min(least, o.aHundredFiles(t, p, round)); least <= mostTurnsOfAnApply {
			return
		}
	}
	t.Errorf("%d turns, at most %d are allowed", least, mostTurnsOfAnApply)
}

// aHundredFiles applies a plan of files that all differ, and gives the turns.
func (o *operator) aHundredFiles(t *testing.T, p *wire.Proxy, round int) int64 {
	t.Helper()
	var plan strings.Builder
	for i := range 100 {
		fmt.Fprintf(&plan, "file \"/srv/many/%d\" {\n  content = <<-END\n%sEND\n}\n", i, strings.Repeat(fmt.Sprintf("line of file %d, %d\n", i, round), 20))
	}
	stages := o.load(t, plan.String())
	p.Reset()
	before := o.logins(t)
	s := o.session(t)
	w, err := s.Writer(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	rep, err := layers.Climb{
		Stages: stages, Hosts: one{w}, Acting: layers.Acting{Record: layers.NoRecord{}}, Rounds: 1,
		Approve: func(int, layers.Report) (bool, error) { return true, nil },
	}.Run(t.Context())
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	s.close(t)
	c, after := p.Counters(), o.logins(t)
	if left := bad(rep.Outcomes()); len(left) > 0 {
		t.Fatalf("apply:\n%s", strings.Join(left, "\n"))
	}
	if got := o.sh(t, "cat /srv/many/* | sort | uniq -c | grep -c ' 20 line of file'"); got != "100" {
		t.Errorf("%s files are whole", got)
	}
	turns := c.Connections + c.Turns // the first turn is that of the connection itself
	t.Logf("100 files: %d turns, %d bytes sent, %d received", turns, c.Up, c.Down)
	if in, sudo := after.accepted-before.accepted, after.sudo-before.sudo; in != 1 || sudo != 1 || c.Connections != 1 {
		t.Errorf("%d connections, %d logins and %d sudo, want one each", c.Connections, in, sudo)
	}
	return turns
}

// one is one connection that holds the lock, for reading and for writing, as bisc apply has it.
type one struct{ w host.Writer }

func (o one) Reader(context.Context, string) (host.Reader, error) { return o.w, nil }
func (o one) Writer(context.Context, string) (host.Writer, error) { return o.w, nil }
