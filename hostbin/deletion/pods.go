package deletion

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"

	"bisc/hostbin/letexit"
)

// Pods are those of a Deployment, and where they are asked for.
type Pods struct {
	Kubeconfig, Context string
	Namespace           string
	Container           string // the validator's
	Watched             []letexit.Pod

	at      *server
	cluster string // the UID of the cluster's kube-system, where one of the watched was seen
}

// Fate is what the API server says of the pods.
type Fate struct {
	Going bool // each of the watched ones is being deleted, or is gone
	Gone  bool // each is gone
}

// object is what is read of an answer: a list of pods, a namespace, or a Status.
type object struct {
	Kind     string
	Message  string
	Metadata struct{ UID string }
	Items    []item
}

type item struct {
	Metadata struct {
		UID               string `json:"uid"`
		DeletionTimestamp string `json:"deletionTimestamp"`
	}
}

// Fate asks for it. A silent API server, one that refuses, one that gives no list of pods, and one of another cluster than the pods were
// seen in, is an error: not knowing is no deletion.
func (p *Pods) Fate(ctx context.Context) (f Fate, err error) {
	if p.at == nil {
		if p.at, err = connect(p.Kubeconfig, p.Context); err != nil {
			return f, err
		}
	}
	o, err := p.at.pods(ctx, p.Namespace)
	if err == nil {
		f = p.judge(o.Items)
		err = p.sameCluster(ctx, f)
	}
	if err != nil {
		p.at.http.CloseIdleConnections()
		p.at = nil // a cluster that was made anew has other keys
		return Fate{}, err
	}
	return f, nil
}

// owns tells whether a container of a pod is the validator's of one that is watched.
func (p *Pods) owns(uid, container string) bool {
	return container == p.Container && slices.ContainsFunc(p.Watched, func(w letexit.Pod) bool { return w.UID == uid })
}

func (p *Pods) judge(items []item) Fate {
	f := Fate{Going: true, Gone: true}
	for _, item := range items {
		if slices.ContainsFunc(p.Watched, func(w letexit.Pod) bool { return w.UID == item.Metadata.UID }) {
			f.Gone, f.Going = false, f.Going && item.Metadata.DeletionTimestamp != ""
		}
	}
	return f
}

// sameCluster refuses to take pods for gone that another cluster does not have: a kubeconfig's current context changes (kind create
// cluster writes it), and no cluster has the pods of another. Where one of the watched is, there it is.
func (p *Pods) sameCluster(ctx context.Context, f Fate) error {
	if !f.Gone && p.cluster != "" {
		return nil
	}
	if p.cluster == "" && f.Gone {
		return fmt.Errorf("%s has none of the pods, and they were not seen before: it may be another cluster's", p.at.shown)
	}
	o, err := p.at.get(ctx, "/api/v1/namespaces/kube-system", "Namespace")
	switch {
	case err != nil:
		return fmt.Errorf("which cluster it is: %w", err)
	case o.Metadata.UID == "":
		return fmt.Errorf("which cluster it is: %s names no UID of kube-system", p.at.shown)
	case p.cluster == "":
		p.cluster = o.Metadata.UID
	case p.cluster != o.Metadata.UID:
		return fmt.Errorf("%s is another cluster than the one that had the pods", p.at.shown)
	}
	return nil
}

// answerMost is how many bytes of an answer are read.
const answerMost = 64 << 20

func (s *server) pods(ctx context.Context, namespace string) (o object, err error) {
	o, err = s.get(ctx, "/api/v1/namespaces/"+url.PathEscape(namespace)+"/pods", "PodList")
	if err == nil && slices.ContainsFunc(o.Items, func(i item) bool { return i.Metadata.UID == "" }) {
		return o, errors.New("the API server lists a pod without a UID")
	}
	return o, err
}

// get asks for what is of a kind.
func (s *server) get(ctx context.Context, path, kind string) (o object, err error) {
	at := s.shown + path
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+path, nil)
	if err != nil {
		return o, err
	}
	r.Header.Set("Accept", "application/json")
	r.Header.Set("User-Agent", "bisc-exit")
	if s.token != "" {
		r.Header.Set("Authorization", "Bearer "+s.token)
	}
	answer, err := s.http.Do(r)
	if err != nil {
		return o, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, answerMost))
	if err != nil {
		return o, err
	}
	if json.Unmarshal(text, &o) != nil {
		return o, fmt.Errorf("%s: %s, and no answer of an API server's", at, answer.Status)
	}
	if answer.StatusCode != http.StatusOK || o.Kind != kind {
		return o, fmt.Errorf("%s: %s: %s %s", at, answer.Status, o.Kind, o.Message)
	}
	return o, nil
}
