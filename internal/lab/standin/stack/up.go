package stack

import (
	"context"
	"fmt"
	"strings"
	"time"

	"bisc/internal/lab/cluster"
	"bisc/internal/lab/solana"
	"bisc/internal/lab/solana/slot"
	"bisc/internal/lab/standin/agave"
)

// ID is the real cluster's name.
const ID = "laconic-70ce4c4b47e23b85"

// Site is a host on which laconic-so has started the validator.
type Site struct {
	*Installed
	*cluster.Cluster
	Identity string // the validator's public key
	Image    agave.Image
}

// Up does on a host with docker what was done on biscayne: laconic-so writes the deployment's folder, makes the kind cluster, loads the
// image and starts the validator, which has a snapshot near the tip of the lab's cluster. It returns when the validator answers. What is
// to be mounted under /srv/kind must be mounted.
func Up(ctx context.Context, h cluster.Host, rig cluster.Kind) (*Site, error) {
	if rig == "" {
		rig = cluster.A
	}
	if err := cluster.Prepare(ctx, h, rig); err != nil {
		return nil, err
	}
	s := &Site{Cluster: &cluster.Cluster{Host: h, ID: ID, Node: ID + "-control-plane", Namespace: "laconic-" + ID, Deployment: ID + "-deployment", Kubeconfig: cluster.Home + "/.kube/config"}}
	var err error
	if s.Installed, err = Install(ctx, h); err != nil {
		return nil, err
	}
	if s.Identity, err = s.CreateDeployment(ctx, ID); err != nil {
		return nil, err
	}
	if s.Image, err = agave.Build(ctx, agave.Options{}); err != nil {
		return nil, err
	}
	if err := s.LoadImage(ctx, s.Image); err != nil {
		return nil, err
	}
	tip := slot.Default().Tip(time.Now())
	if err := s.put(ctx, "/srv/kind/solana/snapshots", func(dir string) error { return solana.WritePair(dir, tip-2000, tip-1000) }); err != nil {
		return nil, err
	}
	if _, err := s.So(ctx, "start", "--perform-cluster-management"); err != nil {
		return nil, err
	}
	if _, err := h.Exec(ctx, "chown", "-R", "rix:rix", cluster.Home+"/.kube"); err != nil {
		return nil, err
	}
	if err := s.port(ctx); err != nil {
		return nil, err
	}
	return s, s.Answers(ctx)
}

// port reads where the host has the API.
func (s *Site) port(ctx context.Context) error {
	out, err := s.Cluster.Host.Exec(ctx, "docker", "port", s.Node, "6443/tcp")
	if err != nil {
		return err
	}
	_, err = fmt.Sscanf(strings.TrimSpace(string(out)), "127.0.0.1:%d", &s.Port)
	return err
}

// So runs laconic-so deployment on the deployment's folder, as root with rix' kubeconfig, as the playbooks did.
func (s *Site) So(ctx context.Context, args ...string) (string, error) {
	out, err := s.Cluster.Host.Exec(ctx, append([]string{"env", "HOME=" + cluster.Home, "KUBECONFIG=" + s.Kubeconfig, Program, "deployment", "--dir", Deployment}, args...)...)
	return string(out), err
}

// Answers waits until the validator's RPC answers on the host.
func (s *Site) Answers(ctx context.Context) error {
	_, err := s.Cluster.Host.Shell(ctx, `for i in $(seq 900); do
  if curl -fs --max-time 5 -o /dev/null http://127.0.0.1:8899/health; then exit 0; fi
  sleep 0.1
done
tail -n 20 /srv/kind/solana/log/validator.log >&2; exit 1`)
	return err
}
