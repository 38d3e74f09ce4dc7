package rootfs

import (
	"os"
	"path/filepath"
	"testing"
)

func TestSources(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"sources.list":              "# deb http://mirror.test/debian bookworm main\ndeb [signed-by=/k.gpg arch=amd64] http://mirror.test/debian bookworm main contrib\ndeb-src http://mirror.test/debian bookworm main\n",
		"sources.list.d/x.list":     "deb http://other.test/apt cloud-bookworm main\ndeb http://mirror.test/security bookworm-security main\n",
		"sources.list.d/a.sources":  "# a comment\nTypes: deb deb-src\nURIs: http://mirror.test/debian\nSuites: bookworm bookworm-updates\nComponents: main\nSigned-By: /usr/share/keyrings/k.gpg\n\nTypes: deb\nURIs: http://mirror.test/off\nSuites: bookworm\nComponents: main\nEnabled: no\n",
		"sources.list.d/b.sources":  "Types: deb\nURIs: http://other.test/node\nSuites: nodistro\nComponents: main\n",
		"sources.list.d/c.disabled": "deb http://mirror.test/debian bookworm main\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	oneLine, deb822, err := sources(dir, "bookworm")
	if err != nil {
		t.Fatal(err)
	}
	if want := "deb [signed-by=/k.gpg arch=amd64] http://mirror.test/debian bookworm main contrib\ndeb http://mirror.test/security bookworm-security main\n"; oneLine != want {
		t.Errorf("one-line sources:\n%s\nwant:\n%s", oneLine, want)
	}
	if want := "Types: deb deb-src\nURIs: http://mirror.test/debian\nSuites: bookworm bookworm-updates\nComponents: main\nSigned-By: /usr/share/keyrings/k.gpg\n\n"; deb822 != want {
		t.Errorf("deb822 sources:\n%s\nwant:\n%s", deb822, want)
	}
	oneLine, deb822, err = sources(dir, "bookworm", "contrib")
	if err != nil {
		t.Fatal(err)
	}
	if want := "deb [signed-by=/k.gpg arch=amd64] http://mirror.test/debian bookworm main contrib\ndeb http://mirror.test/security bookworm-security main contrib\n"; oneLine != want {
		t.Errorf("one-line sources with contrib:\n%s\nwant:\n%s", oneLine, want)
	}
	if want := "Types: deb deb-src\nURIs: http://mirror.test/debian\nSuites: bookworm bookworm-updates\nComponents: main contrib\nSigned-By: /usr/share/keyrings/k.gpg\n\n"; deb822 != want {
		t.Errorf("deb822 sources with contrib:\n%s\nwant:\n%s", deb822, want)
	}
	if _, _, err := sources(t.TempDir(), "bookworm"); err == nil {
		t.Error("a machine without sources: no error")
	}
}
