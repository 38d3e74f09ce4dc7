package docker

import (
	"context"
	"fmt"
	"time"

	"bisc/internal/host"
	"bisc/modules"
)

// Tells is the container.
func (n *KindNode) Tells() (topic, of string) { return "node", n.Name }

// Tell says how the node's container is.
func (n *KindNode) Tell(ctx context.Context, h host.Reader, _ time.Duration) []modules.Fact {
	c, there, err := ReadContainer(ctx, h, n.Name)
	switch {
	case err != nil:
		return modules.NotKnown("node", err)
	case !there:
		return []modules.Fact{{Topic: "node", Text: "there is no container " + n.Name}}
	}
	f := modules.Fact{Topic: "node", Text: fmt.Sprintf("%s is %s", n.Name, c.State.Status), Wrong: c.State.OOMKilled}
	if c.State.Status == "running" {
		f.Text += fmt.Sprintf(" since %s, pid %d", c.State.StartedAt.UTC().Format(time.RFC3339), c.State.Pid)
	} else if !c.State.FinishedAt.IsZero() {
		f.Text += fmt.Sprintf(" since %s, exit %d", c.State.FinishedAt.UTC().Format(time.RFC3339), c.State.ExitCode)
	}
	f.Text += ", restart policy " + c.HostConfig.RestartPolicy.String()
	return []modules.Fact{f}
}
