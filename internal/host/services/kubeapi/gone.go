package kubeapi

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"bisc/internal/host"
	"bisc/internal/host/services"
)

// gone waits after a deletion until the object of the UID that was deleted is not there any more: the API server answers a
// deletion at once, and finalizers (those that protect a claim or a volume that is in use) hold the object for as long as they like.
// What has the name then and another UID is another object.
func (act *Act) gone(ctx context.Context) error {
	k := act.k
	q := host.KubeQuery{Kubeconfig: k.Kubeconfig, Context: k.Context, Resource: k.Resource, Namespace: k.Namespace, Name: k.Name}
	until := time.Now().Add(k.Wait)
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		text, err := services.Within(ctx, act.limit, q.String(), func(ctx context.Context) ([]byte, error) { return act.ask(ctx, q) })
		held := "the API server does not say"
		if err == nil {
			var left bool
			if left, held, err = there(text, k.UID); err == nil && !left {
				return nil
			}
		} else if missing(err, k.Name) {
			return nil
		}
		if time.Now().Add(pause).After(until) {
			return fmt.Errorf("%s: the deletion was asked for, and after %s it is not gone (%s; %v): nothing after this step was done", k, k.Wait, held, err)
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return fmt.Errorf("%s: the deletion was asked for, and whether it is gone is not known: %w", k, context.Cause(ctx))
		}
	}
}

// there tells whether an answer is still of the object with the UID, and what holds it.
func there(text []byte, uid string) (left bool, held string, err error) {
	var o struct {
		Metadata struct {
			UID        string
			Finalizers []string
		}
	}
	if err := json.Unmarshal(text, &o); err != nil {
		return true, "", err
	}
	held = "no finalizer holds it"
	if f := o.Metadata.Finalizers; len(f) > 0 {
		held = "held by " + strings.Join(f, ", ")
	}
	return uid == "" || o.Metadata.UID == uid, held, nil
}
