package kube

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/distribution/reference"

	"bisc/internal/host"
)

// nodeImage is one image of the node's containerd, as crictl lists it.
type nodeImage struct {
	ID      string   `json:"id"` // sha256:HEX of the config
	Tags    []string `json:"repoTags"`
	Digests []string `json:"repoDigests"` // NAME@sha256:HEX of the manifest
}

type nodeImages []nodeImage

// readNodeImages asks the node's containerd for its images. Nothing outside the node tells them: the Node object lists names without
// ids. A node that is sick hangs the question, and that is "unknown".
func readNodeImages(ctx context.Context, h host.Reader, node string) (nodeImages, error) {
	args := []string{node}
	if limit := host.AnswerLimit(h); limit > host.DefaultAnswer { // a host that is slow by nature
		args = append(args, strconv.Itoa(int(limit.Seconds())*2/3))
	}
	out, err := h.Query(ctx, host.NodeImages.Argv(args...)...)
	if err != nil {
		return nil, fmt.Errorf("images of the node %s: %w", node, err)
	}
	if out.Exit == 124 || out.Exit == 137 {
		return nil, fmt.Errorf("images of the node %s: docker exec does not answer (a node whose processes are stuck does that): %w", node, host.ErrStuck)
	}
	if out.Exit != 0 {
		return nil, fmt.Errorf("images of the node %s: %w", node, &host.ExitError{Argv: []string{"docker", "exec", node, "crictl", "images"}, Exit: out.Exit, Stderr: out.Stderr})
	}
	var said struct {
		Images *nodeImages `json:"images"`
	}
	if err := json.Unmarshal(out.Stdout, &said); err != nil || said.Images == nil {
		return nil, fmt.Errorf("images of the node %s: crictl's answer is of an unknown form (%.80q): %w", node, out.Stdout, errors.Join(err, errForm))
	}
	return *said.Images, nil
}

var errForm = errors.New("want {\"images\": [...]}")

// byRef is the id of the image that a reference names in the node, or "".
func (n nodeImages) byRef(ref string) string {
	for _, i := range n {
		if slices.ContainsFunc(i.Tags, func(t string) bool { return fullRef(t) == fullRef(ref) }) {
			return i.ID
		}
	}
	return ""
}

// byPodID is the id of the image that a pod's imageID means, or "" where the node has it no more: the kubelet gives the config's
// digest where it has nothing else, and else that of a manifest, with its repository.
func (n nodeImages) byPodID(podID string) string {
	digest := podID[strings.LastIndex(podID, "@")+1:]
	for _, i := range n {
		if i.ID == digest || slices.ContainsFunc(i.Digests, func(d string) bool { return strings.HasSuffix(d, "@"+digest) }) {
			return i.ID
		}
	}
	return ""
}

// fullRef is a reference with what docker leaves out, registry and tag: the form in which containerd keeps names.
func fullRef(ref string) string {
	named, err := reference.ParseDockerRef(ref)
	if err != nil {
		return ref
	}
	return named.String()
}
