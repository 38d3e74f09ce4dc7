package plans

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/tools/txtar"

	"bisc/internal/source"
)

// FuzzLoad loads anything: there may be faults, never a panic, and the faults can always be written.
func FuzzLoad(f *testing.F) {
	names, err := filepath.Glob("testdata/diagnostics/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range names {
		raw, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range txtar.Parse(raw).Files {
			f.Add(file.Data)
		}
	}
	f.Add([]byte(explained))
	f.Add([]byte(runText))
	inv, root := testInventory(f), f.TempDir()
	f.Fuzz(func(t *testing.T, text []byte) {
		p, diags := Load(Options{
			Files: []source.File{{Name: "x.bisc.hcl", Text: text}}, Inventory: inv, Registry: testRegistry(), Root: root,
			Vars: map[string]string{"ramdisk": string(text)}, VarFiles: []source.File{{Name: "x.vars", Text: text}},
			Env: func(string) (string, bool) { return "", false },
		})
		var out bytes.Buffer
		if err := WriteDiagnostics(&out, p.Files, diags, View{Width: 40}); err != nil {
			t.Fatal(err)
		}
		if i := bytes.IndexFunc(out.Bytes(), func(r rune) bool { return r != '\n' && unsafeRune(r) }); i >= 0 {
			t.Errorf("a control character reaches the terminal: %q", out.Bytes()[max(0, i-20):i+1])
		}
		if err := WriteDiagnosticsJSON(&out, p.Files, diags); err != nil {
			t.Fatal(err)
		}
		p.GraphText()
		for _, a := range p.Addresses() {
			if _, err := p.Explain(a); err != nil {
				t.Errorf("explaining %s: %v", a, err)
			}
			if _, err := ParseAddress(a); err != nil {
				t.Errorf("an address of the plan: %v", err)
			}
		}
	})
}
