package sshhost

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"

	"bisc/internal/host"
	"bisc/internal/host/services"
	"bisc/internal/host/services/dockerapi"
	"bisc/internal/host/services/kubeapi"
	"bisc/internal/host/services/rpcapi"
)

// apis are the clients of the services on one host, made with the first question to each. They dial over whatever connection the
// host has at that time.
type apis struct {
	kube   func() *kubeapi.API
	docker func() *dockerapi.API
	rpc    func() *rpcapi.API
}

// newAPIs: a host that may take long to answer has services that may.
func newAPIs(h *Host) apis {
	limit := max(services.Limit, h.cfg.AnswerTimeout)
	return apis{
		kube:   sync.OnceValue(func() *kubeapi.API { return kubeapi.New(h.dialFar, h.ReadFile, limit) }),
		docker: sync.OnceValue(func() *dockerapi.API { return dockerapi.New(h.dialFar, h.Query, limit) }),
		rpc:    sync.OnceValue(func() *rpcapi.API { return rpcapi.New(h.dialFar, limit) }),
	}
}

// close ends what is idle; what is not ends with the connection.
func (a apis) close() {
	a.kube().Close()
	a.docker().Close()
	a.rpc().Close()
}

// Kube asks the API server of a kubeconfig on the host.
func (h *Host) Kube(ctx context.Context, q host.KubeQuery) ([]byte, error) {
	return h.carried(ctx, func(ctx context.Context) ([]byte, error) { return h.apis.kube().Ask(ctx, q) })
}

// Docker asks the host's docker daemon.
func (h *Host) Docker(ctx context.Context, q host.DockerQuery) ([]byte, error) {
	return h.carried(ctx, func(ctx context.Context) ([]byte, error) { return h.apis.docker().Ask(ctx, q) })
}

// RPC asks a JSON-RPC server, dialled on the host.
func (h *Host) RPC(ctx context.Context, q host.RPCQuery) ([]byte, error) {
	return h.carried(ctx, func(ctx context.Context) ([]byte, error) { return h.apis.rpc().Ask(ctx, q) })
}

// carried asks over the host's connection, and once more over the one that takes its place where it is lost meanwhile.
func (h *Host) carried(ctx context.Context, ask func(context.Context) ([]byte, error)) ([]byte, error) {
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case h.cfg.Reader:
		return nil, fmt.Errorf("%s: %w: the key of this login only runs bisc's reader (bisc schedule key): let the host watch itself (bisc schedule install there), or use a login that may forward connections",
			h.Name(), host.ErrForwarding)
	}
	c := h.channel()
	out, err := ask(ctx)
	if err == nil || ctx.Err() != nil || c.conn.client == nil || answeredNo(err) || !c.conn.over() && (errors.Is(err, host.ErrStuck) || !c.wasCut(err)) {
		return out, err
	}
	why := unreachable(h.cfg, "the connection was lost: %w", err)
	if _, err := h.revive(ctx, c, why); err != nil {
		return nil, err
	}
	return ask(ctx)
}

// answeredNo tells whether an error is an answer of the service, or of sshd, so that the connection was not lost.
func answeredNo(err error) bool {
	var kube *host.KubeError
	var rpc *host.RPCError
	var exit *host.ExitError
	for _, is := range []error{host.ErrNoObject, host.ErrNotListening, host.ErrForwarding, fs.ErrNotExist, host.ErrNotReadOnly, host.ErrNoProgram} {
		if errors.Is(err, is) {
			return true
		}
	}
	return errors.As(err, &kube) || errors.As(err, &rpc) || errors.As(err, &exit)
}

// guardsHold runs guards alone, on the privileged channel.
func (w *Writer) guardsHold(ctx context.Context, guards []host.Guard) error {
	argv := []string{"true"}
	r := newRequest(opRun, host.DefaultLimit, host.Guarded(guards, argv)...)
	a, err := w.step(ctx, r)
	if err != nil {
		return named(argv, err)
	}
	return host.Verdict(argv, a.out)
}

// kube writes to the API server: everything that can fail without it first, then the guards and the host's record of the step in
// one turn, then at once the write. See kubeapi's Act for what may happen between the two.
func (w *Writer) kube(ctx context.Context, k host.Kube) error {
	if w.cfg.Reader {
		return fmt.Errorf("%s: %w", k, host.ErrForwarding)
	}
	act, err := w.apis.kube().Prepare(ctx, k)
	if err != nil {
		return err
	}
	told := func(error) {}
	err = host.Ask(ctx,
		func(ctx context.Context) (err error) {
			t, err := w.check(ctx)
			if err == nil {
				told = t
			}
			return err
		},
		func(ctx context.Context) error { return w.guardsHold(ctx, k.Guards) })
	if err != nil {
		told(err)
		return guardFirst(err)
	}
	err = act.Do(ctx)
	if errors.Is(err, host.ErrNoAPI) && w.channel().conn.over() {
		err = unreachable(w.cfg, "%w", err)
	}
	told(err)
	return err
}

// guardFirst gives a guard's refusal alone: with it nothing else is of interest.
func guardFirst(err error) error {
	var refused *host.GuardError
	if errors.As(err, &refused) {
		return refused
	}
	return err
}

var _ services.Dial = (*Host)(nil).dialFar
