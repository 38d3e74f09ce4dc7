package plans

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"bisc/internal/source"
	"bisc/inventory"
	"bisc/modules/all"
)

// examples are the hcl fences of docs/language.md, by the file name in their first line.
func examples(t *testing.T, doc string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, m := range regexp.MustCompile("(?s)```hcl\n# (\\S+)\n(.*?)```").FindAllStringSubmatch(doc, -1) {
		out[m[1]] = m[2]
	}
	if n := strings.Count(doc, "```hcl"); n != len(out) {
		t.Errorf("%d examples, %d of them with a file name of their own", n, len(out))
	}
	return out
}

func TestExamplesOfTheDocuments(t *testing.T) {
	doc, err := os.ReadFile("../docs/language.md")
	if err != nil {
		t.Fatal(err)
	}
	files := examples(t, string(doc))
	inv, diags := inventory.Load(source.File{Name: "inventory/hosts.hcl", Text: []byte(files["inventory/hosts.hcl"])})
	if len(diags) > 0 {
		t.Fatal(diags)
	}
	for name, text := range files {
		file := source.File{Name: name, Text: []byte(text)}
		if got := string(Format(file.Text)); got != text {
			t.Errorf("%s is not as bisc fmt writes it:\n%s", name, got)
		}
		if !strings.HasSuffix(name, Suffix) {
			continue
		}
		if _, diags := Load(Options{Files: []source.File{file}, Inventory: inv, Registry: all.Registry()}); len(diags) > 0 {
			t.Errorf("%s: %v", name, diags)
		}
	}
}

func TestFunctionsOfTheDocuments(t *testing.T) {
	doc, err := os.ReadFile("../docs/language.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(doc), "## Functions")
	table, _, _ := strings.Cut(section, "\n- ")
	var documented []string
	for _, m := range regexp.MustCompile("`([a-z0-9]+)`").FindAllStringSubmatch(table, -1) {
		documented = append(documented, m[1])
	}
	there := []string{"file", "templatefile", "env", "age", "cmd"}
	for name := range pureFunctions() {
		there = append(there, name)
	}
	slices.Sort(documented)
	slices.Sort(there)
	if !slices.Equal(documented, there) {
		t.Errorf("documented: %v\nthere are:  %v", documented, there)
	}
}

func TestRegistryFitsTheLanguage(t *testing.T) {
	if err := CheckRegistry(all.Registry()); err != nil {
		t.Error(err)
	}
}

// The example of the JSON form is a plan too.
func TestTheDocumentsTwin(t *testing.T) {
	doc, err := os.ReadFile("../docs/language.md")
	if err != nil {
		t.Fatal(err)
	}
	files := examples(t, string(doc))
	inv, _ := inventory.Load(source.File{Name: "inventory/hosts.hcl", Text: []byte(files["inventory/hosts.hcl"])})
	m := regexp.MustCompile("(?s)```json\n(.*?)```").FindStringSubmatch(string(doc))
	p, diags := Load(Options{Files: []source.File{{Name: "plans/x.bisc.json", Text: []byte(m[1])}}, Inventory: inv, Registry: all.Registry()})
	if want := []string{"lab:storage.directory[/srv/solana/ledger]", `lab:storage.invariant["it is there"]`, "lab:storage.mount[/srv/solana]"}; len(diags) > 0 || !slices.Equal(p.Addresses(), want) {
		t.Errorf("%v: %v", diags, p.Addresses())
	}
}
