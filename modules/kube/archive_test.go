package kube

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// savedImage writes an archive as docker save does, and gives its path and the image's id.
func savedImage(t *testing.T, labels map[string]string, filler int) (name, id string) {
	t.Helper()
	config, err := json.Marshal(map[string]any{"architecture": "amd64", "os": "linux", "config": map[string]any{"Labels": labels}, "rootfs": map[string]any{"type": "layers", "diff_ids": []string{}}})
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(config)
	hash := hex.EncodeToString(sum[:])
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range []struct {
		name string
		text []byte
	}{{"layer/filler", make([]byte, filler)}, {hash + ".json", config}, {"manifest.json", fmt.Appendf(nil, `[{"Config":%q,"RepoTags":["lab/agave:local"],"Layers":[]}]`, hash+".json")}} {
		if err := errors.Join(w.WriteHeader(&tar.Header{Name: f.name, Size: int64(len(f.text)), Mode: 0o644})); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(f.text); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	name = filepath.Join(t.TempDir(), "image.tar")
	if err := os.WriteFile(name, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return name, "sha256:" + hash
}

func TestArchive(t *testing.T) {
	name, id := savedImage(t, map[string]string{"bisc.commit": commit}, 5000)
	a, err := readArchive(name)
	if err != nil || a.id != id || a.labels["bisc.commit"] != commit {
		t.Fatalf("%+v, %v; want %s", a, err, id)
	}
	if err := errors.Join(a.cut(chunkSize), a.cut(chunkSize)); err != nil || len(a.chunks) != 1 || a.chunks[0].size != a.size {
		t.Fatalf("%+v, %v", a.chunks, err)
	}
	whole, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	a.chunks = []chunk{{0, 100, ""}, {100, a.size - 100, ""}}
	var sent []byte
	for n := range a.chunks {
		f, err := a.push("/x", n).Source()
		if err != nil {
			t.Fatal(err)
		}
		part, err := io.ReadAll(f)
		if err := errors.Join(err, f.Close()); err != nil {
			t.Fatal(err)
		}
		sent = append(sent, part...)
	}
	if !bytes.Equal(sent, whole) {
		t.Error("the pieces together are not the archive")
	}
	if !a.same() {
		t.Error("the file that was read is another")
	}
	if err := os.WriteFile(name, whole[:len(whole)-2000], 0o644); err != nil {
		t.Fatal(err)
	}
	if a.same() {
		t.Error("a file that changed is the same")
	}
	for what, text := range map[string][]byte{"cut off": whole[:len(whole)-2000], "compressed": {0x1f, 0x8b, 8, 0}, "empty": {}} {
		if err := os.WriteFile(name, text, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := readArchive(name); err == nil {
			t.Errorf("%s: it is an archive", what)
		}
	}
}
