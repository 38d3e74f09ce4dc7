package eos

import (
	"os/exec"
	"strings"
	"testing"
)

// The emulator and the product share no code that reads, prints or compares configurations: else one mistake would be in both, and the
// emulator would agree with it.
func TestNothingOfTheProduct(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{.ImportPath}}", "bisc/internal/lab/eos/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	seen := 0
	for pkg := range strings.FieldsSeq(string(out)) {
		if strings.HasPrefix(pkg, "bisc/internal/lab/eos") {
			seen++
			continue
		}
		if strings.HasPrefix(pkg, "bisc/") {
			t.Errorf("the emulator depends on %s", pkg)
		}
	}
	if seen < 6 {
		t.Errorf("go list named %d packages of the emulator: want device, front, plane, linux, box and this one", seen)
	}
}
