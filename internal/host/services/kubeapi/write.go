package kubeapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"

	"bisc/internal/host"
	"bisc/internal/host/services"
)

// Act is a write that is ready to go: the way to the API server stands, and the object is the one that was looked at.
type Act struct {
	k    host.Kube
	at   dynamic.ResourceInterface
	body []byte
	ask  func(context.Context, host.KubeQuery) ([]byte, error)

	limit time.Duration // of a question
}

// Prepare makes the way for a write before its guards are asked, so that nothing but the write itself lies behind them. It reads
// the object: an API server that does not answer, and an object that has changed already, end the step before anything is
// recorded as begun. The error is host.ErrChanged for the latter.
func (a *API) Prepare(ctx context.Context, k host.Kube) (*Act, error) {
	if err := k.Check(); err != nil {
		return nil, err
	}
	body, err := withPreconditions(k)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", k, err)
	}
	q := queryOf(k)
	act, err := services.Within(ctx, a.limit, k.String(), func(ctx context.Context) (*Act, error) {
		c, err := a.client(ctx, k.Kubeconfig, k.Context)
		if err != nil {
			return nil, err
		}
		now, err := c.ask(ctx, q)
		if err != nil && !(k.Verb == host.KubeCreate && missing(err, k.Name)) {
			return nil, err
		}
		return &Act{k, c.of(k.Resource, k.Namespace), body, c.ask, a.limit}, stillThat(k, now)
	})
	if err != nil && !errors.Is(err, host.ErrChanged) {
		err = classify(ctx, q, err)
	}
	if errors.Is(err, host.ErrNoObject) { // it was there when the step was planned
		err = fmt.Errorf("%w: %w", host.ErrChanged, err)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: nothing was done: %w", k, err)
	}
	return act, nil
}

// queryOf asks for what a step writes to.
func queryOf(k host.Kube) host.KubeQuery {
	return host.KubeQuery{Kubeconfig: k.Kubeconfig, Context: k.Context, Resource: k.Resource, Namespace: k.Namespace, Name: k.Name}
}

// stillThat compares the object with the one that the step was planned for; nil is none.
func stillThat(k host.Kube, object []byte) error {
	if object == nil {
		return nil
	}
	if k.Verb == host.KubeCreate {
		return fmt.Errorf("%w: it is there by now", host.ErrChanged)
	}
	var is struct {
		Metadata struct{ UID, ResourceVersion string }
	}
	if err := json.Unmarshal(object, &is); err != nil {
		return err
	}
	switch m := is.Metadata; {
	case k.UID != "" && k.UID != m.UID:
		return fmt.Errorf("%w: it is another of the same name (its uid was %s and is %s)", host.ErrChanged, k.UID, m.UID)
	case k.Version != "" && k.Version != m.ResourceVersion:
		return fmt.Errorf("%w: its version was %s and is %s", host.ErrChanged, k.Version, m.ResourceVersion)
	}
	return nil
}

// withPreconditions is the body with the UID and the version in it, which is how the API server takes them with a patch. A
// deletion has them in its options.
func withPreconditions(k host.Kube) ([]byte, error) {
	if k.UID+k.Version == "" {
		return k.Body, nil
	}
	switch k.Verb {
	case host.KubeMergePatch, host.KubeStrategic:
		var patch map[string]any
		if err := json.Unmarshal(k.Body, &patch); err != nil {
			return nil, errors.New("the patch is no JSON object")
		}
		meta, ok := patch["metadata"].(map[string]any)
		if patch["metadata"] == nil {
			meta, ok = map[string]any{}, true
		}
		if !ok {
			return nil, errors.New("the patch's metadata is no JSON object")
		}
		put(meta, "uid", k.UID)
		put(meta, "resourceVersion", k.Version)
		patch["metadata"] = meta
		return json.Marshal(patch)
	case host.KubeJSONPatch:
		var ops []any
		if err := json.Unmarshal(k.Body, &ops); err != nil {
			return nil, errors.New("the patch is no JSON array")
		}
		var tests []any
		for path, value := range map[string]string{"/metadata/uid": k.UID, "/metadata/resourceVersion": k.Version} {
			if value != "" {
				tests = append(tests, map[string]string{"op": "test", "path": path, "value": value})
			}
		}
		return json.Marshal(append(tests, ops...))
	}
	return k.Body, nil
}

func put(m map[string]any, key, value string) {
	if value != "" {
		m[key] = value
	}
}

// Do writes. It is called as soon as the guards have held.
//
// Between the guards' answer and the API server's taking of the write lies one way there, half a turn and sshd's forwarding.
// What the guards saw on the host may change in it; what the step was planned for may not: the preconditions are compared by
// the API server in the same transaction as the write. A validator that was proved gone can only come back in that window by
// a change of the objects that the kubelet follows, so a step whose guard proves it names the UID and the version of the one
// that would be changed.
//
// The error is host.ErrChanged or *host.KubeError where the API server has refused, and then nothing was done. host.ErrLost is
// all else once the write was given to a connection; before that it is host.ErrNoAPI, and nothing was done either.
func (act *Act) Do(ctx context.Context) error {
	var begun atomic.Bool
	_, err := services.Within(ctx, writes*act.limit, act.k.String(), func(ctx context.Context) (struct{}, error) {
		ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { begun.Store(true) }})
		return struct{}{}, act.do(ctx)
	})
	if err == nil && act.k.Wait > 0 {
		return act.gone(ctx)
	}
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", act.k, act.verdict(ctx, err, begun.Load()))
}

// writes may take so many times as long as questions: a write waits for admission webhooks and for etcd.
const writes = 3

func (act *Act) do(ctx context.Context) error {
	k := act.k
	var sub []string
	if k.Sub != "" {
		sub = []string{k.Sub}
	}
	var err error
	switch k.Verb {
	case host.KubeCreate:
		object := &unstructured.Unstructured{}
		if err := object.UnmarshalJSON(act.body); err != nil {
			return fmt.Errorf("the object is none: %w", err)
		}
		_, err = act.at.Create(ctx, object, metav1.CreateOptions{FieldManager: manager}, sub...)
	case host.KubeDelete:
		err = act.at.Delete(ctx, k.Name, deletion(k), sub...)
	default:
		_, err = act.at.Patch(ctx, k.Name, patchTypes()[k.Verb], act.body, metav1.PatchOptions{FieldManager: manager}, sub...)
	}
	return err
}

// manager is the owner of what bisc writes, in an object's managedFields.
const manager = "bisc"

func patchTypes() map[host.KubeVerb]types.PatchType {
	return map[host.KubeVerb]types.PatchType{
		host.KubeMergePatch: types.MergePatchType, host.KubeJSONPatch: types.JSONPatchType, host.KubeStrategic: types.StrategicMergePatchType,
	}
}

func deletion(k host.Kube) metav1.DeleteOptions {
	o := metav1.DeleteOptions{GracePeriodSeconds: k.Grace}
	if k.UID+k.Version != "" {
		o.Preconditions = &metav1.Preconditions{}
	}
	if k.UID != "" {
		uid := types.UID(k.UID)
		o.Preconditions.UID = &uid
	}
	if k.Version != "" {
		o.Preconditions.ResourceVersion = &k.Version
	}
	return o
}

// verdict says what is known of a write that has failed.
func (act *Act) verdict(ctx context.Context, err error, begun bool) error {
	refusal := refused(err)
	switch {
	case refusal != nil && act.changed(ctx, refusal):
		return fmt.Errorf("%w: %w", host.ErrChanged, refusal)
	case refusal != nil && refusal.Code < 500:
		return refusal
	case refusal != nil:
		return fmt.Errorf("%w: %w", host.ErrLost, refusal)
	case begun:
		return fmt.Errorf("%w: %w", host.ErrLost, err)
	case errors.Is(err, host.ErrUnreachable), errors.Is(err, host.ErrForwarding):
		return err
	}
	return fmt.Errorf("nothing was done: %w: %w", host.ErrNoAPI, err)
}

// changed tells whether a refusal is of the preconditions: 409, and 404 where the object went. The test of a JSON patch that does
// not hold is 422 without another word (seen on 1.36), as a patch that could never be is; then the object itself tells.
func (act *Act) changed(ctx context.Context, refusal *host.KubeError) bool {
	switch {
	case refusal.Code == http.StatusConflict:
		return true
	case refusal.Code == http.StatusNotFound:
		return act.k.Verb != host.KubeCreate
	case refusal.Code != http.StatusUnprocessableEntity || act.k.UID+act.k.Version == "":
		return false
	}
	now, err := services.Within(ctx, act.limit, act.k.String(), func(ctx context.Context) ([]byte, error) { return act.ask(ctx, queryOf(act.k)) })
	return err == nil && errors.Is(stillThat(act.k, now), host.ErrChanged)
}
