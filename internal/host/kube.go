package host

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Kubernetes as a host reaches it: the API server that a kubeconfig on the host names (kind's is 127.0.0.1:PORT of the host
// itself) is dialled from the host, with what that kubeconfig carries.

// KubeQuery is a question to the API server: one object by its name, or a list of them.
type KubeQuery struct {
	Kubeconfig string // path on the host
	Context    string // of the kubeconfig; "" is its current one
	Resource   string // VERSION/RESOURCE or GROUP/VERSION/RESOURCE: "v1/pods", "apps/v1/deployments"
	Namespace  string // "" for what has none
	Name       string // "": a list
	Labels     string // of a list: a label selector, "app=x,tier in (a,b)"
	Fields     string // of a list: a field selector, "spec.nodeName=n"
}

// String names the object or the list as an operator would.
func (q KubeQuery) String() string {
	s := q.Resource
	if q.Namespace != "" {
		s = q.Namespace + " " + s
	}
	if q.Name != "" {
		return s + "/" + q.Name
	}
	for _, selector := range []string{q.Labels, q.Fields} {
		if selector != "" {
			s += " where " + selector
		}
	}
	return s
}

// key tells one question from another.
func (q KubeQuery) key() string {
	return strings.Join([]string{q.Kubeconfig, q.Context, q.Resource, q.Namespace, q.Name, q.Labels, q.Fields}, "\x00")
}

// Errors of a Kube question or step that callers branch on. Anything else means that nothing is known.
var (
	// ErrNoObject: the API server has answered that there is no such object (404). Its cluster is there and answers.
	ErrNoObject = errors.New("no such object in the cluster")
	// ErrNoAPI: nothing can be asked: no kubeconfig, nobody listens, TLS fails, or the API server is not ready (503, EOF). It
	// is not known then what the cluster holds.
	ErrNoAPI = errors.New("the Kubernetes API does not answer")
	// ErrUnasked is an ErrNoAPI of which not even that is known: the kubeconfig cannot be used, or who answers is not whom it names, by
	// the certificate. The API server may be at work, and start what it holds.
	ErrUnasked = fmt.Errorf("%w, for it cannot be asked", ErrNoAPI)
	// ErrExpired is an ErrUnasked by a certificate that is not valid any more, or not yet, by this machine's clock: nobody can ask that API
	// server until it is renewed (kubeadm's last a year).
	ErrExpired = fmt.Errorf("%w: a certificate has expired", ErrUnasked)
	// ErrForwarding: this way to the host carries no connections (a reader's key, a switch).
	ErrForwarding = errors.New("this way to the host carries no connections to its services")
)

// KubeError is the API server's refusal.
type KubeError struct {
	Code            int    // HTTP's: 403, 409, 422, ...
	Reason, Message string // metav1.Status'
}

// Error reads as kubectl's.
func (e *KubeError) Error() string {
	return fmt.Sprintf("the Kubernetes API refused (%d %s): %s", e.Code, e.Reason, e.Message)
}

// Kube is a write to the API server, after its guards have held on the host. The preconditions make it fail with ErrChanged
// where the object is not the one that was looked at any more.
type Kube struct {
	Kubeconfig, Context string
	Verb                KubeVerb
	Resource            string // as in KubeQuery
	Namespace, Name     string
	Sub                 string `json:",omitempty"` // a subresource: "scale", "status"
	Body                []byte `json:",omitempty"` // JSON: the object, or the patch
	// UID and Version (resourceVersion) are preconditions; "" is none. A create has none.
	UID, Version string `json:",omitempty"`
	// Grace is how many seconds a deleted pod gets; nil is what the pod says. Zero is refused: the object would go, and its
	// processes stay.
	Grace *int64 `json:",omitempty"`
	// Wait is how long a deletion waits until the object of this UID is gone, finalizers and all; zero does not wait.
	Wait   time.Duration `json:",omitempty"`
	Guards []Guard       `json:",omitempty"`
}

// KubeVerb is what a Kube step does.
type KubeVerb string

// The verbs. MergePatch is RFC 7386, JSONPatch RFC 6902, Strategic Kubernetes' own (lists by key).
const (
	KubeCreate     KubeVerb = "create"
	KubeMergePatch KubeVerb = "merge-patch"
	KubeJSONPatch  KubeVerb = "json-patch"
	KubeStrategic  KubeVerb = "strategic-patch"
	KubeDelete     KubeVerb = "delete"
)

func (Kube) isStep() {}

// String gives the verb, the object, its preconditions and the body's size and digest: what a body carries may be a secret.
func (k Kube) String() string {
	object := KubeQuery{Resource: k.Resource, Namespace: k.Namespace, Name: k.Name}.String()
	s := "kubernetes " + string(k.Verb) + " " + object
	if k.Sub != "" {
		s += "/" + k.Sub
	}
	if k.UID != "" {
		s += " (uid " + k.UID + ")"
	}
	if k.Grace != nil {
		s += fmt.Sprintf(" with %ds of grace", *k.Grace)
	}
	if k.Wait > 0 {
		s += fmt.Sprintf(" and wait up to %s until it is gone", k.Wait)
	}
	if len(k.Body) > 0 && len(k.Body) <= 200 {
		s += " " + string(k.Body)
	} else if len(k.Body) > 0 {
		s += fmt.Sprintf(" < %d bytes %s", len(k.Body), shortDigest(k.Body))
	}
	return s + guardNames(k.Guards)
}

// KubeResource takes "v1/pods" and "apps/v1/deployments" apart.
func KubeResource(s string) (group, version, resource string) {
	f := strings.Split(s, "/")
	switch len(f) {
	case 2:
		return "", f[0], f[1]
	case 3:
		return f[0], f[1], f[2]
	}
	return "", "", ""
}

// Check tells whether the question can be asked.
func (q KubeQuery) Check() error {
	switch {
	case !strings.HasPrefix(q.Kubeconfig, "/"):
		return fmt.Errorf("ask Kubernetes: the kubeconfig %q: want an absolute path on the host", q.Kubeconfig)
	case !kubeNames(q.Resource, q.Namespace, q.Name):
		return fmt.Errorf("ask Kubernetes for %q: want VERSION/RESOURCE or GROUP/VERSION/RESOURCE, and names that an object can have", q.String())
	case q.Name != "" && q.Labels+q.Fields != "":
		return fmt.Errorf("ask Kubernetes for %s by name and by selector: want one of them", q)
	}
	return nil
}

// kubeNames tells whether a resource, a namespace and a name are such that the path of a URL is made of them as they are.
func kubeNames(resource, namespace, name string) bool {
	group, version, kind := KubeResource(resource)
	return version != "" && kind != "" && kubeName(group) && kubeName(version) && kubeName(kind) && kubeName(namespace) && kubeName(name)
}

// kubeName: an object's name is at least a segment of a path; ":" is in those of RBAC.
func kubeName(s string) bool {
	if s == "." || s == ".." || len(s) > 253 {
		return false
	}
	return strings.IndexFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '.' && r != ':'
	}) < 0
}

// Check tells whether the step may be done at all.
func (k Kube) Check() error {
	verbs := []KubeVerb{KubeCreate, KubeMergePatch, KubeJSONPatch, KubeStrategic, KubeDelete}
	switch {
	case !strings.HasPrefix(k.Kubeconfig, "/"):
		return fmt.Errorf("%s: the kubeconfig %q: want an absolute path on the host", k, k.Kubeconfig)
	case k.Name == "" || !kubeNames(k.Resource, k.Namespace, k.Name):
		return fmt.Errorf("%s: want VERSION/RESOURCE or GROUP/VERSION/RESOURCE, and the name of one object", k)
	case !slices.Contains(verbs, k.Verb):
		return fmt.Errorf("%s: bisc has no such verb", k)
	case k.Sub != "" && k.Sub != "scale" && k.Sub != "status": // an eviction is a deletion with options of its own
		return fmt.Errorf("%s: bisc writes to the subresources scale and status alone", k)
	case k.Grace != nil && (k.Verb != KubeDelete || *k.Grace <= 0):
		return fmt.Errorf("%s: refused: with no grace the object would go at once, and its processes stay", k)
	case k.Wait < 0 || k.Wait > 0 && k.Verb != KubeDelete:
		return fmt.Errorf("%s: only a deletion waits", k)
	case k.Verb == KubeDelete && (len(k.Body) > 0 || k.Sub != ""):
		return fmt.Errorf("%s: a deletion has no body", k)
	case k.Verb != KubeDelete && !json.Valid(k.Body):
		return fmt.Errorf("%s: its body is no JSON", k)
	}
	return nil
}
