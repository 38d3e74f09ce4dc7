package hostbin

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"testing"

	"bisc/relaybin/builds"
)

// What is embedded is what its list says, for each platform, and of the source that stands beside it.
func TestEmbedded(t *testing.T) {
	all, err := Binaries()
	if err != nil {
		t.Fatalf("%v (this test needs the builds: run `make relay` and the test again)", err)
	}
	if len(all) != 4 {
		t.Errorf("%d builds, want bisc-exit and bisc-snapshot for amd64 and arm64", len(all))
	}
	for _, b := range all {
		r, err := b.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err := errors.Join(err, r.Close()); err != nil {
			t.Fatal(err)
		}
		if sum := sha256.Sum256(text); hex.EncodeToString(sum[:]) != b.SHA256 || int64(len(text)) != b.Size {
			t.Errorf("%s for %s is not what the list says", b.Name, b.Platform)
		}
		if why, err := b.Stale(); err != nil || why != "" {
			t.Errorf("%s for %s: %s (%v): run `make relay`", b.Name, b.Platform, why, err)
		}
	}
	for machine, platform := range map[string]string{"x86_64": "linux/amd64", "aarch64": "linux/arm64", "i686": ""} {
		b, err := For(Snapshot, machine)
		if (err == nil) != (platform != "") || err == nil && b.Platform != platform {
			t.Errorf("%s: %s, %v", machine, b.Platform, err)
		}
		if err == nil && !strings.HasPrefix(Path(b), "/var/lib/bisc/bin/bisc-snapshot-") {
			t.Error(Path(b))
		}
	}
}

// The builder makes both trees, each for the platforms that its programs run on.
func TestTrees(t *testing.T) {
	for _, tree := range builds.Trees() {
		if tree.Name == "hostbin" && len(tree.Platforms) == 2 {
			return
		}
	}
	t.Errorf("%+v", builds.Trees())
}
