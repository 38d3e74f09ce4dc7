package kube

import (
	"context"
	"errors"
	"fmt"
	"time"

	"bisc/internal/host"
	"bisc/modules"
)

// Tells is the Deployment.
func (d *WantedDeployment) Tells() (topic, of string) { return "pod", d.Namespace + "/" + d.Name }

// Tell says of a Deployment its replicas, and of each pod its phase, its containers' restarts and last end, and its image.
func (d *WantedDeployment) Tell(ctx context.Context, h host.Reader, _ time.Duration) []modules.Fact {
	now, err := ReadDeployed(ctx, h, d.api(), d.Namespace, d.Name)
	switch {
	case errors.Is(err, host.ErrNoObject):
		return []modules.Fact{{Topic: "pod", Text: "there is no Deployment " + d.Name}}
	case err != nil:
		return modules.NotKnown("pod", err)
	}
	out := []modules.Fact{{Topic: "deployment", Text: fmt.Sprintf("%d replicas wanted, %d there, %d ready", now.Deployment.Replicas(), now.Deployment.Status.Replicas, ready(now.All())),
		Numbers: map[string]float64{"replicas": float64(now.Deployment.Replicas()), "ready": float64(ready(now.All()))}}}
	for _, p := range now.All() {
		f := modules.Fact{Topic: "pod", Text: p.Describe(), Wrong: !isReady(p) && !p.Meta.Terminating()}
		for _, c := range p.Status.Containers {
			f.Text += fmt.Sprintf("; %s restarted %d times, image %s", c.Name, c.Restarts, shortID(c.ImageID))
			if e := c.Last.Ended; e != nil {
				f.Text += fmt.Sprintf(", last end %s (exit %d) at %s", e.Reason, e.Exit, e.Finished.UTC().Format("2006-01-02 15:04:05Z"))
				f.Wrong = f.Wrong || e.Reason == "OOMKilled"
			}
		}
		out = append(out, f)
	}
	return out
}

func ready(pods []Pod) (n int) {
	for _, p := range pods {
		if isReady(p) {
			n++
		}
	}
	return n
}

func isReady(p Pod) bool {
	for _, c := range p.Status.Conditions {
		if c.Type == "Ready" {
			return c.Status == "True"
		}
	}
	return false
}
