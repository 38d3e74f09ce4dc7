package laconic

import (
	"context"
	"strings"

	"bisc/internal/host"
	"bisc/modules/kube"
)

// api resources beside those of package kube.
const (
	services     = "v1/services"
	configMaps   = "v1/configmaps"
	ingresses    = "networking.k8s.io/v1/ingresses"
	clusterRoles = "rbac.authorization.k8s.io/v1/clusterroles"
	roleBindings = "rbac.authorization.k8s.io/v1/clusterrolebindings"
	classes      = "networking.k8s.io/v1/ingressclasses"
)

// objects is what the API server says.
type objects struct {
	namespace    kube.Namespace
	hasNamespace bool
	claims       []kube.Claim
	volumes      []kube.Volume
	made         []string // SERVICE/NAME and the like of the deployment, without volumes, claims and the Deployment
	deployment   kube.Deployment
	hasDeployment,
	kubernetes bool // the service default/kubernetes
	node    kube.NodeObject
	hasNode bool
	caddy   caddy
}

// caddy is what there is of the ingress that laconic-so installs in a cluster.
type caddy struct {
	pieces []piece
	// whole: its Deployment is there, the last of its objects.
	whole bool
}

// piece is an object of Caddy's.
type piece struct {
	resource, name, uid string
}

// readObjects asks the API server. An error means that something is not known.
func (d *Deployment) readObjects(ctx context.Context, h host.Reader) (*objects, error) {
	var o objects
	a, ns := d.api(), d.namespace()
	questions := []func(context.Context) error{
		func(ctx context.Context) (err error) {
			o.deployment, o.hasDeployment, err = kube.Find[kube.Deployment](ctx, h, a, kube.Deployments, ns, d.object())
			return err
		},
	}
	if d.wantsObjects() {
		questions = append(questions, d.objectQuestions(h, &o)...)
	}
	return &o, host.Ask(ctx, questions...)
}

func (d *Deployment) objectQuestions(h host.Reader, o *objects) []func(context.Context) error {
	a, ns := d.api(), d.namespace()
	made := make([][]string, 3)
	list := func(i int, resource, word string) func(context.Context) error {
		return func(ctx context.Context) error {
			all, err := kube.List[meta](ctx, h, a, resource, ns)
			for _, m := range all {
				if m.Meta.Name == d.ClusterID || strings.HasPrefix(m.Meta.Name, d.ClusterID+"-") {
					made[i] = append(made[i], word+"/"+m.Meta.Name)
				}
			}
			return err
		}
	}
	return []func(context.Context) error{
		func(ctx context.Context) (err error) {
			o.namespace, o.hasNamespace, err = kube.Find[kube.Namespace](ctx, h, a, kube.Namespaces, "", ns)
			return err
		},
		func(ctx context.Context) (err error) {
			o.claims, err = kube.List[kube.Claim](ctx, h, a, kube.Claims, ns)
			return err
		},
		func(ctx context.Context) (err error) {
			o.volumes, err = kube.List[kube.Volume](ctx, h, a, kube.Volumes, "")
			return err
		},
		func(ctx context.Context) (err error) {
			_, o.kubernetes, err = kube.Find[meta](ctx, h, a, services, "default", "kubernetes")
			return err
		},
		func(ctx context.Context) (err error) {
			o.node, o.hasNode, err = kube.Find[kube.NodeObject](ctx, h, a, kube.Nodes, "", d.node())
			return err
		},
		func(ctx context.Context) (err error) { o.caddy, err = readCaddy(ctx, h, a); return err },
		func(ctx context.Context) error {
			err := host.Ask(ctx, list(0, services, "service"), list(1, configMaps, "configmap"), list(2, ingresses, "ingress"))
			for _, names := range made {
				o.made = append(o.made, names...)
			}
			return err
		},
	}
}

// meta is an object of which only the metadata matters.
type meta struct {
	Meta kube.Meta `json:"metadata"`
}

// readCaddy looks for each object that the installation makes, by POST, one after the other.
func readCaddy(ctx context.Context, h host.Reader, a kube.API) (caddy, error) {
	pieces := []piece{
		{resource: kube.Namespaces, name: "caddy-system"}, {resource: clusterRoles, name: "caddy-ingress-controller"},
		{resource: roleBindings, name: "caddy-ingress-controller"}, {resource: classes, name: "caddy"},
	}
	var c caddy
	var questions []func(context.Context) error
	for i, p := range pieces {
		questions = append(questions, func(ctx context.Context) error {
			m, there, err := kube.Find[meta](ctx, h, a, p.resource, "", p.name)
			if there {
				pieces[i].uid = m.Meta.UID
			}
			return err
		})
	}
	questions = append(questions, func(ctx context.Context) error {
		_, there, err := kube.Find[meta](ctx, h, a, kube.Deployments, "caddy-system", "caddy-ingress-controller")
		c.whole = there
		return err
	})
	err := host.Ask(ctx, questions...)
	for _, p := range pieces {
		if p.uid != "" {
			c.pieces = append(c.pieces, p)
		}
	}
	return c, err
}
