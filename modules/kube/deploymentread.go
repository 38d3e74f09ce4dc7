package kube

import (
	"context"
	"errors"
	"fmt"

	"bisc/internal/host"
	"bisc/modules"
)

// deploymentSeen is what was observed of a Deployment.
type deploymentSeen struct {
	Deployed
	missing bool
	node    Node
	images  nodeImages // where an image_id is wanted
	unbound []string   // what of the claims keeps the pod from starting, a line each; looked at before a start
	unseen  []string   // folders of volumes that the node does not see
}

// Plan observes the Deployment, its pods, and what its start needs.
func (d *WantedDeployment) Plan(ctx context.Context, h host.Reader) (modules.Change, error) {
	s, err := d.observe(ctx, h)
	if err != nil {
		return modules.Change{}, err
	}
	c := d.decide(s)
	if len(c.Steps) > 0 {
		d.wrote.Store(true)
	}
	return c, nil
}

func (d *WantedDeployment) observe(ctx context.Context, h host.Reader) (s deploymentSeen, err error) {
	ask := []func(context.Context) error{func(ctx context.Context) (err error) {
		s.Deployed, err = ReadDeployed(ctx, h, d.api(), d.Namespace, d.Name)
		if errors.Is(err, host.ErrNoObject) {
			s.missing, err = true, nil
		}
		return err
	}}
	starts := d.Replicas != nil && *d.Replicas > 0
	if len(d.Published) > 0 || d.ImageID != "" || d.Node != "" && starts {
		ask = append(ask, func(ctx context.Context) (err error) { s.node, err = ReadNode(ctx, h, d.Node); return err })
	}
	if d.ImageID != "" {
		ask = append(ask, func(ctx context.Context) (err error) { s.images, err = readNodeImages(ctx, h, d.Node); return err })
	}
	if err := host.Ask(ctx, ask...); err != nil || s.missing {
		return s, err
	}
	if starts && s.Deployment.Replicas() == 0 {
		err = d.ground(ctx, h, &s)
	}
	return s, err
}

// ground looks at what the pod mounts: a claim that is not bound, or a folder that the node does not see, and the kubelet would make an
// empty one in the node's own file system (or wait).
func (d *WantedDeployment) ground(ctx context.Context, h host.Reader, s *deploymentSeen) error {
	var (
		claims  []Claim
		volumes []Volume
	)
	err := host.Ask(ctx,
		func(ctx context.Context) (err error) {
			claims, err = List[Claim](ctx, h, d.api(), Claims, d.Namespace)
			return err
		},
		func(ctx context.Context) (err error) {
			volumes, err = List[Volume](ctx, h, d.api(), Volumes, "")
			return err
		},
	)
	if err != nil {
		return err
	}
	for _, name := range s.Deployment.Spec.Template.Spec.Claims() {
		v, why := boundTo(name, d.Namespace, claims, volumes)
		if why != "" {
			s.unbound = append(s.unbound, why)
			continue
		}
		if d.Node == "" || v.Spec.HostPath == nil {
			continue
		}
		seen, err := s.node.sees(ctx, h, v.path())
		if err != nil {
			return err
		}
		if !seen {
			s.unseen = append(s.unseen, v.path())
		}
	}
	return nil
}

// boundTo finds the volume that a claim is bound to, or says why there is none.
func boundTo(name, namespace string, claims []Claim, volumes []Volume) (Volume, string) {
	for _, c := range claims {
		if c.Meta.Name != name {
			continue
		}
		if c.Status.Phase != "Bound" || c.Meta.Terminating() {
			return Volume{}, fmt.Sprintf("claim %s is %s", name, phase(c.Status.Phase, c.Meta))
		}
		for _, v := range volumes {
			if of := v.Spec.Claim; v.Meta.Name == c.Spec.Volume && of != nil && of.Namespace == namespace && of.UID == c.Meta.UID {
				if v.Meta.Terminating() {
					return v, fmt.Sprintf("volume %s of claim %s is Terminating", v.Meta.Name, name)
				}
				return v, ""
			}
		}
		return Volume{}, fmt.Sprintf("claim %s is bound to %s, which is not bound to it", name, c.Spec.Volume)
	}
	return Volume{}, fmt.Sprintf("there is no claim %s", name)
}

// phase is an object's phase, or that it goes.
func phase(phase string, m Meta) string {
	if m.Terminating() {
		return "Terminating"
	}
	return phase
}
