package rootfs

import (
	"os/exec"
	"strings"
	"testing"
)

// promtool comes without the server that its package has, and runs.
func TestPromtoolComesAlone(t *testing.T) {
	cache := t.TempDir()
	if err := ensurePromtool(t.Context(), cache, NewSteps(t.Output())); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), promtoolIn(cache), "--version").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "promtool, version") {
		t.Errorf("%v: %s", err, out)
	}
}
