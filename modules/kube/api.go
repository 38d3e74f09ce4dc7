package kube

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"bisc/internal/host"
)

// API is the cluster as a host reaches it.
type API struct {
	Kubeconfig string // path on the host
	Context    string // "" is the kubeconfig's current one
}

// Resources as a host.KubeQuery names them.
const (
	Deployments = "apps/v1/deployments"
	ReplicaSets = "apps/v1/replicasets"
	Pods        = "v1/pods"
	Volumes     = "v1/persistentvolumes"
	Claims      = "v1/persistentvolumeclaims"
	Namespaces  = "v1/namespaces"
	Nodes       = "v1/nodes"
)

// Get reads one object; host.ErrNoObject where the API server says that there is none.
func Get[T any](ctx context.Context, h host.Reader, a API, resource, namespace, name string) (T, error) {
	var out T
	q := host.KubeQuery{Kubeconfig: a.Kubeconfig, Context: a.Context, Resource: resource, Namespace: namespace, Name: name}
	text, err := h.Kube(ctx, q)
	if err != nil {
		return out, unread(q, err)
	}
	if err := json.Unmarshal(text, &out); err != nil {
		return out, fmt.Errorf("reading %s: the API's answer is of an unknown form: %w", q, err)
	}
	return out, nil
}

// unread says what was read, once: the error of a host that was asked has it already.
func unread(q host.KubeQuery, err error) error {
	if strings.HasPrefix(err.Error(), q.String()+": ") {
		return fmt.Errorf("reading %w", err)
	}
	return fmt.Errorf("reading %s: %w", q, err)
}

// Find is Get for what may not be there: that is an answer, and no error.
func Find[T any](ctx context.Context, h host.Reader, a API, resource, namespace, name string) (out T, there bool, err error) {
	out, err = Get[T](ctx, h, a, resource, namespace, name)
	if errors.Is(err, host.ErrNoObject) {
		return out, false, nil
	}
	return out, err == nil, err
}

// List reads all objects of a namespace ("" is all of the cluster).
func List[T any](ctx context.Context, h host.Reader, a API, resource, namespace string) ([]T, error) {
	q := host.KubeQuery{Kubeconfig: a.Kubeconfig, Context: a.Context, Resource: resource, Namespace: namespace}
	text, err := h.Kube(ctx, q)
	if err != nil {
		return nil, unread(q, err)
	}
	var list struct {
		Items *[]T `json:"items"`
	}
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, fmt.Errorf("reading %s: the API's answer is of an unknown form: %w", q, err)
	}
	if list.Items == nil {
		return nil, fmt.Errorf("reading %s: the API's answer is no list", q)
	}
	return *list.Items, nil
}

// write is a step on an object of this cluster.
func (a API) write(verb host.KubeVerb, resource, namespace, name string, body any) host.Kube {
	k := host.Kube{Kubeconfig: a.Kubeconfig, Context: a.Context, Verb: verb, Resource: resource, Namespace: namespace, Name: name}
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			panic(fmt.Sprintf("kube: the body of a step does not marshal: %v", err)) // a programmer's mistake: bodies are maps of ours
		}
		k.Body = text
	}
	return k
}
