package system

import (
	"strings"
	"testing"

	"bisc/internal/host"
	"bisc/modules/confd"
	"bisc/modules/files"
	"bisc/modules/kindtest"
)

func TestReplay(t *testing.T) {
	kindtest.Replay(t, "testdata/*.txtar", KernelModuleKind, SysctlKind, UserKind, PackageKind)
}

func plain(content string) files.Found {
	return files.Found{Exists: true, Stat: host.Stat{Type: host.Regular, Mode: 0o644}, Content: []byte(content), Parent: host.Directory}
}

func none() files.Found { return files.Found{Parent: host.Directory} }

func conf(path string, lines ...string) confd.File { return confd.File{Path: path, Lines: lines} }

func wantError(t *testing.T, err error, want string) {
	t.Helper()
	switch {
	case want == "" && err != nil:
		t.Errorf("unexpected: %v", err)
	case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
		t.Errorf("got %v, want something about %q", err, want)
	}
}
