package hosttest

import (
	"testing"

	"bisc/internal/host"
)

// TestConformFake: the fake answers as a host does, as far as a fake can.
func TestConformFake(t *testing.T) {
	Conform(t, func(*testing.T) (host.Writer, Scratch) {
		f := New("fake")
		f.Missing["/srv/absent"] = true
		return f, Scratch{Dir: "/srv"}
	})
}
