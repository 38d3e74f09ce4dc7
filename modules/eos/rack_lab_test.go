package eos

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"bisc/internal/host"
	"bisc/internal/host/eoshost"
	"bisc/internal/host/sshhost"
	"bisc/internal/lab/eos"
	"bisc/internal/lab/eos/device"
	"bisc/layers"
	"bisc/modules"
	"bisc/modules/kindtest"
)

// rack is an emulated switch, reached over SSH, and a plan for it.
type rack struct {
	*eos.Switch
	pool   *sshhost.Pool
	reader *eoshost.Host
	writer *eoshost.Writer
	runs   int
}

func newRack(t *testing.T, startup string) *rack {
	t.Helper()
	sw := eos.ForTest(t, eos.Options{
		Device: device.Options{Startup: startup},
		Flash:  map[string][]byte{"bisc/boot.sh": []byte("#!/bin/sh\n")},
		Image:  []string{"/usr/local/bin/doublezero-agent"},
	})
	r := &rack{Switch: sw, pool: sshhost.NewPool(sshhost.Options{})}
	t.Cleanup(func() { r.pool.Close() })
	if _, err := sw.Control().Bash("chmod 755 /mnt/flash/bisc/boot.sh"); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *rack) config() eoshost.Config {
	var port int
	_, _ = fmt.Sscanf(r.Addr, "127.0.0.1:%d", &port)
	return eoshost.Config{
		SSH: sshhost.Config{Name: "sw", Addresses: []string{"127.0.0.1"}, Port: port, User: r.User, HostKeys: []string{r.HostKey},
			Identities: []string{r.Key}, AgentSocket: "none"},
		Hostname: "lab-sw01", Timer: time.Minute, Look: []time.Duration{time.Millisecond}, Run: fmt.Sprintf("t%d", r.runs), Owner: "test",
	}
}

// Reader is one connection for the whole test.
func (r *rack) Reader(ctx context.Context, _ string) (host.Reader, error) {
	if r.reader == nil {
		h, err := eoshost.Open(ctx, r.pool, r.config())
		if err != nil {
			return nil, err
		}
		r.reader = h
	}
	return r.reader, nil
}

// Writer is one connection an apply.
func (r *rack) Writer(ctx context.Context, _ string) (host.Writer, error) {
	if r.writer == nil {
		r.runs++
		w, err := eoshost.OpenWriter(ctx, r.pool, r.config())
		if err != nil {
			return nil, err
		}
		r.writer = w
	}
	return r.writer, nil
}

func relayStage(t *testing.T, resources ...modules.Resource) *layers.Stage {
	t.Helper()
	st := &layers.Stage{Layer: layers.Relay, Name: "relay", Host: "sw", Assumes: []layers.Layer{}}
	for i, r := range resources {
		if v, ok := r.(modules.Validator); ok {
			if err := v.Validate(); err != nil {
				t.Fatalf("resource %d: %v", i, err)
			}
		}
		if n, ok := r.(modules.Neighbour); ok {
			n.Meet(resources)
		}
		if a, ok := r.(modules.Agreer); ok {
			if err := a.Agree(resources); err != nil {
				t.Fatalf("resource %d: %v", i, err)
			}
		}
		st.Items = append(st.Items, layers.Item{Address: fmt.Sprintf("%d %T", i, r), Resource: r})
	}
	return st
}

// plan is what differs, an address and kindtest.Print each. It opens no configuration session.
func (r *rack) plan(t *testing.T, st *layers.Stage) string {
	t.Helper()
	if err := r.Control().Forget(); err != nil {
		t.Fatal(err)
	}
	h, err := r.Reader(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	rep := layers.Observe(t.Context(), host.NewMemo(h), []*layers.Stage{st}, layers.Options{})
	if rep.Err != nil {
		t.Fatal(rep.Err)
	}
	for _, o := range rep.Outcomes {
		if o.Err != nil {
			t.Fatalf("%s is unknown: %v", o.Item.Address, o.Err)
		}
		if !o.Change.InSync() {
			fmt.Fprintf(&b, "%s\n%s", o.Item.Address, kindtest.Print(o.Change))
		}
	}
	typed, err := r.Control().Lines()
	if err != nil {
		t.Fatal(err)
	}
	if i := slices.IndexFunc(typed, func(l string) bool { return strings.HasPrefix(l, "configure") || strings.HasPrefix(l, "copy") }); i >= 0 {
		t.Errorf("the plan typed %q", typed[i])
	}
	return b.String()
}

// apply does a round, with every destruction permitted, and tells how each outcome ended.
func (r *rack) apply(t *testing.T, st *layers.Stage) {
	t.Helper()
	destroy := map[string]bool{}
	for _, it := range st.Items {
		destroy[it.Address] = true
	}
	rep, err := layers.Climb{
		Stages: []*layers.Stage{st}, Hosts: r,
		Acting:  layers.Acting{Options: layers.Options{Destroy: destroy}, Record: layers.NoRecord{}},
		Approve: func(int, layers.Report) (bool, error) { return true, nil },
	}.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if r.writer != nil {
		if err := r.writer.Close(); err != nil {
			t.Errorf("release the switch: %v", err)
		}
		r.writer = nil
	}
	for _, h := range rep {
		if h.Err != nil {
			t.Fatal(h.Err)
		}
	}
	for _, o := range rep.Outcomes() {
		if o.State != layers.InSync && o.State != layers.Changed || o.Err != nil {
			t.Errorf("after apply %s is %s %s: %v", o.Item.Address, o.State, o.Reason, o.Err)
		}
	}
	if t.Failed() {
		t.FailNow()
	}
}

// behind types lines behind bisc's back.
func (r *rack) behind(t *testing.T, lines ...string) {
	t.Helper()
	if out, err := r.Control().CLI("somebody", lines...); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}
