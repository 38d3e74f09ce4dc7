package plans

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"bisc/internal/secret"
	"bisc/internal/source"
	"bisc/inventory"
)

var update = flag.Bool("update", false, "rewrite the golden files in testdata")

// TestDiagnostics loads the plan files of each archive and compares what is written with its section want. An archive
// may hold an inventory (*.hcl), variable files (*.vars), lines of --set (set), and files for file() and its like.
func TestDiagnostics(t *testing.T) {
	archives, err := filepath.Glob("testdata/diagnostics/*.txtar")
	if err != nil || len(archives) < 20 {
		t.Fatalf("got %d archives, %v", len(archives), err)
	}
	for _, name := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			raw, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			archive := txtar.Parse(raw)
			abs, err := filepath.Abs(name)
			if err != nil {
				t.Fatal(err)
			}
			got := diagnose(t, archive)
			if *update {
				setFile(archive, "want", got)
				if err := os.WriteFile(abs, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if want := fileOf(archive, "want"); got != want {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

func diagnose(t *testing.T, archive *txtar.Archive) string {
	t.Helper()
	t.Chdir(t.TempDir())
	opts := Options{Registry: testRegistry(), Root: ".", Vars: map[string]string{}, Env: func(name string) (string, bool) { return "a-secret", name == "TOKEN" }}
	opts.Secrets = secret.New(t.Context())
	opts.Secrets.Env = opts.Env
	var hosts []source.File
	for _, f := range archive.Files {
		if err := os.MkdirAll(filepath.Dir(f.Name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(f.Name, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
		// Escapes let an archive hold what a text file had better not.
		file := source.File{Name: f.Name, Text: bytes.ReplaceAll(bytes.ReplaceAll(f.Data, []byte("<ESC>"), []byte{27}), []byte("<FF>"), []byte{0xff})}
		switch {
		case strings.HasSuffix(f.Name, Suffix):
			opts.Files = append(opts.Files, file)
		case strings.HasSuffix(f.Name, ".hcl"):
			hosts = append(hosts, file)
		case strings.HasSuffix(f.Name, ".vars"):
			opts.VarFiles = append(opts.VarFiles, file)
		case f.Name == "set":
			for _, line := range strings.Split(strings.TrimSpace(string(f.Data)), "\n") {
				name, value, _ := strings.Cut(line, "=")
				opts.Vars[name] = value
			}
		}
	}
	if hosts == nil {
		hosts = []source.File{{Name: "inventory/lab.hcl", Text: []byte(labInventory)}}
	}
	inv, diags := inventory.Load(hosts...)
	opts.Inventory = inv
	p, planDiags := Load(opts)
	var out bytes.Buffer
	if err := WriteDiagnostics(&out, p.Files, append(diags, planDiags...), View{Width: 100}); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func fileOf(a *txtar.Archive, name string) string {
	for _, f := range a.Files {
		if f.Name == name {
			return string(f.Data)
		}
	}
	return ""
}

func setFile(a *txtar.Archive, name, data string) {
	for i := range a.Files {
		if a.Files[i].Name == name {
			a.Files[i].Data = []byte(data)
			return
		}
	}
	a.Files = append(a.Files, txtar.File{Name: name, Data: []byte(data)})
}
