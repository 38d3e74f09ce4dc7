package kube

import (
	"context"
	"slices"
	"testing"
	"time"

	"bisc/internal/host"
)

// slowNode is a host of which its inventory says for how long it may think, and whose node has no images.
type slowNode struct {
	host.Reader
	limit time.Duration
	asked []string
}

func (s *slowNode) AnswerLimit() time.Duration { return s.limit }

func (s *slowNode) Query(_ context.Context, argv ...string) (host.Output, error) {
	s.asked = argv
	return host.Output{Stdout: []byte(`{"images": []}`)}, nil
}

// The virtual machine's docker exec took longer than 8 s: with answer_timeout "3m" its node was called stuck, and start ended at once.
func TestNodeImagesOfASlowHost(t *testing.T) {
	for limit, want := range map[time.Duration][]string{host.DefaultAnswer: {"n"}, 10 * time.Second: {"n"}, 3 * time.Minute: {"n", "120"}} {
		h := &slowNode{limit: limit}
		if _, err := readNodeImages(t.Context(), h, "n"); err != nil || !slices.Equal(h.asked, host.NodeImages.Argv(want...)) {
			t.Errorf("answer_timeout %s: asked with %q, want %q: %v", limit, h.asked[3:], want, err)
		}
	}
}
