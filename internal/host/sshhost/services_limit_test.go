package sshhost

import (
	"context"
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"bisc/internal/host"
)

// silent is a machine whose services take a question and say nothing.
type silent struct{ Sessions }

func (silent) DialContext(context.Context, string, string) (net.Conn, error) {
	near, _ := net.Pipe()
	return near, nil
}

// A host whose inventory says that it is slow has slow services: the virtual machine, busy, took longer than 10 s over docker's answer,
// and a runbook ended before its last stage.
func TestServicesAreAsSlowAsTheirHost(t *testing.T) {
	for answer, want := range map[time.Duration]time.Duration{0: 10 * time.Second, 5 * time.Second: 10 * time.Second, 3 * time.Minute: 3 * time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			h := &Host{cfg: &Config{Sessions: silent{}, AnswerTimeout: answer}, c: &channel{conn: &connection{}}}
			h.apis = newAPIs(h)
			began := time.Now()
			_, err := h.apis.rpc().Ask(t.Context(), host.RPCQuery{URL: "http://127.0.0.1:8899", Method: "getSlot"})
			if took := time.Since(began); !errors.Is(err, host.ErrStuck) || took != want {
				t.Errorf("answer_timeout %s: given up after %s, want %s: %v", answer, took, want, err)
			}
		})
	}
}
