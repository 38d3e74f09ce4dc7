package layers

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"bisc/internal/host"
	"bisc/internal/host/hosttest"
)

// dawning is a host that answers nothing before it is up, and takes a while for each answer after.
type dawning struct {
	*hosttest.Fake
	up    chan struct{}
	late  time.Duration
	limit time.Duration
}

func (d *dawning) AnswerLimit() time.Duration { return d.limit }

func (d *dawning) Up() <-chan struct{} { return d.up }

func (d *dawning) ReadFile(ctx context.Context, name string) ([]byte, error) {
	select {
	case <-d.up:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if name == "/a" {
		select {
		case <-time.After(d.late):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	return d.Fake.ReadFile(ctx, name)
}

// A password that takes an operator longer than an answer may take makes nothing unknown; what hangs after that is.
func TestAnswerLimitBeginsWhenTheHostIsUp(t *testing.T) {
	for _, limit := range []time.Duration{host.DefaultAnswer, 3 * time.Minute} {
		for late, want := range map[time.Duration]State{limit - time.Second: InSync, limit + time.Second: Unknown} {
			synctest.Test(t, func(t *testing.T) {
				stages := []*Stage{stage(Storage, item("a", &flag{path: "/a", want: "x"}))}
				h := &dawning{Fake: newBench(map[string]string{"/a": "x"}).Fake, up: make(chan struct{}), late: late, limit: limit}
				time.AfterFunc(3*limit, func() { close(h.up) })
				began := time.Now()
				rep := Observe(t.Context(), host.NewMemo(h), stages, Options{})
				if rep.Err != nil {
					t.Fatal(rep.Err)
				}
				o := rep.Outcomes[0]
				if o.State != want || want == Unknown && (!errors.Is(o.Err, context.DeadlineExceeded) || !strings.Contains(o.Err.Error(), limit.String())) {
					t.Errorf("an answer %s after the host is up: %s, %v; want %s", late, o.State, o.Err, want)
				}
				if took, want := time.Since(began), 3*limit+min(late, limit); took != want {
					t.Errorf("it took %s, want %s", took, want)
				}
			})
		}
	}
}
