package layers

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"bisc/internal/host"
	"bisc/internal/host/hosttest"
)

// dawning is a host that answers nothing before it is up, and takes a while for each answer after.
type dawning struct {
	*hosttest.Fake
	up   chan struct{}
	late time.Duration
}

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

// A password that takes an operator longer than ProbeLimit makes nothing unknown; what hangs after that is.
func TestProbeLimitBeginsWhenTheHostIsUp(t *testing.T) {
	for _, c := range []struct {
		late time.Duration
		want State
	}{{ProbeLimit - time.Second, InSync}, {ProbeLimit + time.Second, Unknown}} {
		synctest.Test(t, func(t *testing.T) {
			stages := []*Stage{stage(Storage, item("a", &flag{path: "/a", want: "x"}))}
			h := &dawning{newBench(map[string]string{"/a": "x"}).Fake, make(chan struct{}), c.late}
			time.AfterFunc(3*ProbeLimit, func() { close(h.up) })
			began := time.Now()
			rep := Observe(t.Context(), host.NewMemo(h), stages, Options{})
			if rep.Err != nil {
				t.Fatal(rep.Err)
			}
			o := rep.Outcomes[0]
			if o.State != c.want || c.want == Unknown && !errors.Is(o.Err, errNoAnswer) {
				t.Errorf("an answer %s after the host is up: %s, %v; want %s", c.late, o.State, o.Err, c.want)
			}
			if took, want := time.Since(began), 3*ProbeLimit+min(c.late, ProbeLimit); took != want {
				t.Errorf("it took %s, want %s", took, want)
			}
		})
	}
}
