package host

import (
	"context"
	"errors"
	"strings"
	"sync"
)

// Memo is a Reader that asks each question once: identical questions share one answer until Forget. Probes are asked
// every time.
type Memo struct {
	Reader
	// NoProbes makes every Probe answer ErrNoProbes.
	NoProbes bool

	mu      sync.Mutex
	answers map[string]*answer
}

type answer struct {
	done chan struct{}
	val  any
	err  error
}

// NewMemo wraps r.
func NewMemo(r Reader) *Memo { return &Memo{Reader: r, answers: map[string]*answer{}} }

// Forget drops all answers, so that the next questions reach the host.
func (m *Memo) Forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.answers = map[string]*answer{}
}

// once asks under key unless somebody has. The first asker's context decides; an answer cut short by it is not kept.
func once[T any](ctx context.Context, m *Memo, key string, ask func() (T, error)) (T, error) {
	m.mu.Lock()
	a, known := m.answers[key]
	if !known {
		a = &answer{done: make(chan struct{})}
		m.answers[key] = a
	}
	m.mu.Unlock()
	if !known {
		val, err := ask()
		a.val, a.err = val, err
		if ctx.Err() != nil {
			m.drop(key, a)
		}
		close(a.done)
		return val, err
	}
	var zero T
	select {
	case <-a.done:
		val, _ := a.val.(T)
		return val, a.err
	case <-ctx.Done():
		return zero, context.Cause(ctx)
	}
}

func (m *Memo) drop(key string, a *answer) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.answers[key] == a {
		delete(m.answers, key)
	}
}

// Query asks once.
func (m *Memo) Query(ctx context.Context, argv ...string) (Output, error) {
	return once(ctx, m, "query\x00"+strings.Join(argv, "\x00"), func() (Output, error) { return m.Reader.Query(ctx, argv...) })
}

// ReadFile asks once.
func (m *Memo) ReadFile(ctx context.Context, name string) ([]byte, error) {
	return once(ctx, m, "read\x00"+name, func() ([]byte, error) { return m.Reader.ReadFile(ctx, name) })
}

// Stat asks once.
func (m *Memo) Stat(ctx context.Context, name string) (Stat, error) {
	return once(ctx, m, "stat\x00"+name, func() (Stat, error) { return m.Reader.Stat(ctx, name) })
}

// Glob asks once.
func (m *Memo) Glob(ctx context.Context, pattern string) ([]string, error) {
	return once(ctx, m, "glob\x00"+pattern, func() ([]string, error) { return m.Reader.Glob(ctx, pattern) })
}

// Get asks once, and each time with a context of Anew.
func (m *Memo) Get(ctx context.Context, at Endpoint, page string) (Response, error) {
	if IsAnew(ctx) {
		return m.Reader.Get(ctx, at, page)
	}
	return once(ctx, m, "get\x00"+at.String()+"\x00"+page, func() (Response, error) { return m.Reader.Get(ctx, at, page) })
}

// Kube asks once, and each time with a context of Anew.
func (m *Memo) Kube(ctx context.Context, q KubeQuery) ([]byte, error) {
	if IsAnew(ctx) {
		return m.Reader.Kube(ctx, q)
	}
	return once(ctx, m, "kube\x00"+q.key(), func() ([]byte, error) { return m.Reader.Kube(ctx, q) })
}

// Docker asks once, and each time with a context of Anew.
func (m *Memo) Docker(ctx context.Context, q DockerQuery) ([]byte, error) {
	if IsAnew(ctx) {
		return m.Reader.Docker(ctx, q)
	}
	return once(ctx, m, "docker\x00"+q.String(), func() ([]byte, error) { return m.Reader.Docker(ctx, q) })
}

// RPC asks once, and each time with a context of Anew: slots move.
func (m *Memo) RPC(ctx context.Context, q RPCQuery) ([]byte, error) {
	if IsAnew(ctx) {
		return m.Reader.RPC(ctx, q)
	}
	return once(ctx, m, "rpc\x00"+q.URL+"\x00"+q.Method+"\x00"+q.Params, func() ([]byte, error) { return m.Reader.RPC(ctx, q) })
}

// Identity is that of the wrapped host, where its transport knows one of its own (see layers.Identify).
func (m *Memo) Identity(ctx context.Context) (machine, boot string, err error) {
	if k, ok := m.Reader.(interface {
		Identity(ctx context.Context) (machine, boot string, err error)
	}); ok {
		return k.Identity(ctx)
	}
	return "", "", errors.ErrUnsupported
}

// Show asks once, and each time with a context of Anew: a counter is read twice.
func (m *Memo) Show(ctx context.Context, command string) ([]byte, error) {
	if IsAnew(ctx) {
		return m.Reader.Show(ctx, command)
	}
	return once(ctx, m, "show\x00"+command, func() ([]byte, error) { return m.Reader.Show(ctx, command) })
}

// Derive gives what derive makes of a host's answers, made once a Memo under a key: a switch's configuration is parsed once for
// all that ask about it. Over a Reader that is no Memo it is made each time.
func Derive[T any](ctx context.Context, r Reader, key string, derive func() (T, error)) (T, error) {
	switch m := r.(type) {
	case *Memo:
		return once(ctx, m, "derive\x00"+key, derive)
	case *MemoWriter:
		return once(ctx, m.Memo, "derive\x00"+key, derive)
	}
	return derive()
}

// Probe asks every time, unless probes are off.
func (m *Memo) Probe(ctx context.Context, argv ...string) (Output, error) {
	if m.NoProbes {
		return Output{}, ErrNoProbes
	}
	return m.Reader.Probe(ctx, argv...)
}
