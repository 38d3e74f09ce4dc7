package layers

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"bisc/internal/host"
)

// others are the hosts that invariants are observed on with from: the other ends of a path. Each is opened when it is first asked
// for and has one memo. What goes wrong on one of them concerns the invariant alone, never the host that the round works on.
type others struct {
	open     func(ctx context.Context, name string) (host.Reader, error)
	noProbes bool

	mu    sync.Mutex
	hosts map[string]*host.Memo
}

func newOthers(hosts Hosts, noProbes bool) *others {
	return &others{open: hosts.Reader, noProbes: noProbes, hosts: map[string]*host.Memo{}}
}

// get gives a host to read. Only one that could be opened is kept.
func (o *others) get(ctx context.Context, name string) (*host.Memo, error) {
	if o == nil {
		return nil, errors.New("only one host is looked at here")
	}
	h, err := o.open(ctx, name) // not under the mutex: it may dial
	if err != nil {
		return nil, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.hosts[name] == nil {
		o.hosts[name] = host.NewMemo(h)
		o.hosts[name].NoProbes = o.noProbes
	}
	return o.hosts[name], nil
}

// forget drops the answers of all of them: what was heard before a change proves nothing of it.
func (o *others) forget() {
	if o == nil {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, h := range o.hosts {
		h.Forget()
	}
}

// ofOther says where an observation failed, and nothing else of the failure: what tells a lost or an unreachable host from a
// sick one is asked of an item's error about the item's own host, and the other end is not that.
func ofOther(name string, err error) error {
	return fmt.Errorf("on %s: %v", name, err) // not %w
}
