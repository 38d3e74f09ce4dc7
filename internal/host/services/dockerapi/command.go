package dockerapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/image"

	"bisc/internal/host"
)

// command asks the docker command, root's, and gives what the daemon's API would: inspect prints it as it is, and a list is made
// of what inspect tells of each. A list made so has no Status, Ports and NetworkSettings: they are docker's words for the others.
func command(ctx context.Context, run Run, q host.DockerQuery) ([]byte, error) {
	switch q.What {
	case host.DockerContainer:
		return one(ctx, run, "container", q.Name)
	case host.DockerImage:
		return one(ctx, run, "image", q.Name)
	case host.DockerInfo:
		return docker(ctx, run, "info", "--format={{json .}}")
	case host.DockerImages:
		return list(ctx, run, "image", []string{"images", "-q", "--no-trunc"}, imageSummary)
	}
	which := []string{"ps", "-a", "-q", "--no-trunc"}
	if q.Label != "" {
		which = append(which, "--filter=label="+q.Label)
	}
	return list(ctx, run, "container", which, containerSummary)
}

// docker runs the command and gives what it prints.
func docker(ctx context.Context, run Run, words ...string) ([]byte, error) {
	out, err := run(ctx, append([]string{"docker"}, words...)...)
	if errors.Is(err, host.ErrNoProgram) {
		return nil, fmt.Errorf("the login may not open %s, and there is no docker command to ask instead: put the login into the group docker, or install docker's client: %w", Socket, err)
	}
	if err != nil {
		return nil, err
	}
	said := strings.TrimSpace(string(out.Stderr))
	switch low := strings.ToLower(said); {
	case out.Exit == 0:
		return out.Stdout, nil
	case strings.Contains(low, "no such container"), strings.Contains(low, "no such image"), strings.Contains(low, "no such object"):
		return nil, fmt.Errorf("%w: %s", fs.ErrNotExist, said)
	case strings.Contains(low, "cannot connect to the docker daemon"), strings.Contains(low, "failed to connect to the docker api"):
		return nil, fmt.Errorf("%w: %s", host.ErrNotListening, said)
	}
	return nil, &host.ExitError{Argv: append([]string{"docker"}, words...), Exit: out.Exit, Stderr: out.Stderr}
}

// inspect gives what docker tells of each name, as the API would of each.
func inspect(ctx context.Context, run Run, what string, names ...string) ([]json.RawMessage, error) {
	text, err := docker(ctx, run, append([]string{what, "inspect", "--"}, names...)...)
	if err != nil {
		return nil, err
	}
	var all []json.RawMessage
	if err := json.Unmarshal(text, &all); err != nil {
		return nil, fmt.Errorf("docker %s inspect: what it prints is no JSON: %w", what, err)
	}
	if len(all) != len(names) {
		return nil, fmt.Errorf("docker %s inspect: %d answers to %d names", what, len(all), len(names))
	}
	return all, nil
}

func one(ctx context.Context, run Run, what, name string) ([]byte, error) {
	all, err := inspect(ctx, run, what, name)
	if err != nil {
		return nil, err
	}
	return all[0], nil
}

// list inspects what a command lists. What ends between the two is asked for once more.
func list[T any](ctx context.Context, run Run, what string, which []string, summary func(json.RawMessage) (T, error)) ([]byte, error) {
	var all []json.RawMessage
	for again := false; ; again = true {
		text, err := docker(ctx, run, which...)
		if err != nil {
			return nil, err
		}
		ids := strings.Fields(string(text))
		slices.Sort(ids)
		if ids = slices.Compact(ids); len(ids) == 0 {
			return []byte("[]"), nil
		}
		all, err = inspect(ctx, run, what, ids...)
		if err == nil {
			break
		}
		if again || !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	out := make([]T, 0, len(all))
	for _, raw := range all {
		s, err := summary(raw)
		if err != nil {
			return nil, fmt.Errorf("docker %s inspect: %w", what, err)
		}
		out = append(out, s)
	}
	return json.Marshal(out)
}

func containerSummary(raw json.RawMessage) (container.Summary, error) {
	var c container.InspectResponse
	if err := json.Unmarshal(raw, &c); err != nil {
		return container.Summary{}, err
	}
	created, err := time.Parse(time.RFC3339Nano, c.Created)
	if err != nil {
		return container.Summary{}, err
	}
	s := container.Summary{
		ID: c.ID, Names: []string{c.Name}, ImageID: c.Image, Created: created.Unix(), Mounts: c.Mounts,
		Command: strings.Join(append([]string{c.Path}, c.Args...), " "),
	}
	if c.Config != nil {
		s.Image, s.Labels = c.Config.Image, c.Config.Labels
	}
	if c.State != nil {
		s.State = c.State.Status
	}
	if c.HostConfig != nil {
		s.HostConfig.NetworkMode = string(c.HostConfig.NetworkMode)
	}
	return s, nil
}

func imageSummary(raw json.RawMessage) (image.Summary, error) {
	var i image.InspectResponse
	if err := json.Unmarshal(raw, &i); err != nil {
		return image.Summary{}, err
	}
	s := image.Summary{ID: i.ID, RepoTags: i.RepoTags, RepoDigests: i.RepoDigests, Size: i.Size, SharedSize: -1, Containers: -1}
	if created, err := time.Parse(time.RFC3339Nano, i.Created); err == nil {
		s.Created = created.Unix()
	}
	if i.Config != nil {
		s.Labels = i.Config.Labels
	}
	return s, nil
}
