package monitoring

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"bisc/internal/lab/rootfs"
)

// promtool runs Debian's promtool in a folder that has these files.
func promtool(t *testing.T, files map[string]string, args ...string) (said string, err error) {
	t.Helper()
	program := rootfs.Promtool()
	if program == "" {
		t.Fatal("there is no promtool on this machine: make lab fetches it")
	}
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func TestRulesParse(t *testing.T) {
	if said, err := promtool(t, map[string]string{"r.yml": string(Alerts())}, "check", "rules", "r.yml"); err != nil {
		t.Errorf("%v\n%s", err, said)
	}
}
