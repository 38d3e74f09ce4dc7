package faults

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the index of docs/faults.md anew")

// page is where the index stands, between its two marks.
const (
	page  = "../../docs/faults.md"
	begin = "<!-- index: go test ./internal/faults -run Index -update -->\n"
	end   = "<!-- end of index -->\n"
)

// indexed is a fault test as the source has it.
type indexed struct {
	fault          int
	name, pkg, doc string
}

var faultName = regexp.MustCompile(`^TestFaultF(\d+)_\w+$`)

// faultTests reads the names and comments of all fault tests of the tree.
func faultTests(t *testing.T) []indexed {
	t.Helper()
	var all []indexed
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && (d.Name() == ".git" || d.Name() == "testdata") {
			return fs.SkipDir
		}
		if !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		for _, decl := range file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok || f.Recv != nil {
				continue
			}
			if m := faultName.FindStringSubmatch(f.Name.Name); m != nil {
				n, _ := strconv.Atoi(m[1]) // the pattern has digits only
				all = append(all, indexed{n, f.Name.Name, filepath.ToSlash(filepath.Dir(path))[len("../../"):], firstSentence(f)})
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.SortStableFunc(all, func(a, b indexed) int { return a.fault - b.fault })
	return all
}

var capital = regexp.MustCompile(`([a-z])([A-Z])`)

// firstSentence is what a test's comment says first, without its name; or the name in words, where there is no comment.
func firstSentence(f *ast.FuncDecl) string {
	text := strings.Join(strings.Fields(f.Doc.Text()), " ")
	text = strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(text, f.Name.Name), ":"), " ")
	if text == "" {
		_, name, _ := strings.Cut(f.Name.Name, "_")
		text = strings.ToLower(capital.ReplaceAllString(name, "$1 $2"))
	}
	if at := strings.Index(text, ". "); at >= 0 {
		text = text[:at]
	}
	return strings.ReplaceAll(strings.TrimSuffix(text, "."), "|", `\|`)
}

// TestIndex: the page lists tests that exist, every fault that was promised has one.
func TestIndex(t *testing.T) {
	tests := faultTests(t)
	if *update {
		writeIndex(t, tests)
	}
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{}
	tested := map[int]bool{}
	for _, i := range tests {
		there[i.name], tested[i.fault] = true, true
	}
	listed := map[int]bool{}
	for _, name := range regexp.MustCompile(`TestFaultF\d+_\w+`).FindAllString(string(text), -1) {
		if !there[name] {
			t.Errorf("docs/faults.md lists %s, and there is no such test", name)
		}
		n, _ := strconv.Atoi(faultName.FindStringSubmatch(name)[1])
		listed[n] = true
	}
	for _, n := range promised {
		if !tested[n] {
			t.Errorf("F%d has no test", n)
		} else if !listed[n] {
			t.Errorf("F%d is not in docs/faults.md: go test ./internal/faults -run Index -update", n)
		}
	}
	if !slices.IsSorted(promised) {
		t.Error("the list of promised faults is out of order")
	}
}

func writeIndex(t *testing.T, tests []indexed) {
	t.Helper()
	b, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(b), begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatal("docs/faults.md has lost the marks of its index")
	}
	table := "| fault | what is done | test | where |\n| --- | --- | --- | --- |\n"
	for _, i := range tests {
		table += fmt.Sprintf("| F%d | %s | `%s` | `%s` |\n", i.fault, i.doc, i.name, i.pkg)
	}
	if err := os.WriteFile(page, []byte(before+begin+table+end+after), 0o644); err != nil {
		t.Fatal(err)
	}
}
