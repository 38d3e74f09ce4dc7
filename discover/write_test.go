package discover

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"bisc/internal/source"
	"bisc/inventory"
	"bisc/modules"
	"bisc/modules/all"
	"bisc/modules/files"
	"bisc/plans"
)

func labInventory(t *testing.T) *inventory.Inventory {
	t.Helper()
	inv, diags := inventory.Load(source.File{Name: "hosts.hcl", Text: []byte("host \"a\" {\n  platform = \"linux\"\n  address = \"192.0.2.1\"\n}\n")})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	return inv
}

// odd are pieces of names and texts that a language may trip over.
var odd = []string{"a", "b/c", " ", "\"", "\\", "${", "%{", "$${", "}", "\n", "\t", "\r", "\x00", "\x1b[31m", "\xff", "é", "e\u0301", "\u202e", "\u2028", "EOT", "EOT\n", "<<EOT", "#", "//", "/*", "'", "`", "=", "{", "/", "..", "[Service]\n", "ExecStart=/x\n"}

// mild are those that no kind refuses.
var mild = []string{"a", "b", "c-d", "x.y", "Z", "_", "7"}

func oddText(r *rand.Rand) string {
	var b strings.Builder
	for range 1 + r.IntN(4) {
		if r.IntN(3) == 0 {
			b.WriteString(odd[r.IntN(len(odd))])
		} else {
			b.WriteString(mild[r.IntN(len(mild))])
		}
	}
	return b.String()
}

// TestWhateverIsFoundIsValid: whatever names and texts a host has, what is written is valid and in the one form, and no block
// is lost: it is in the plan as it is, or a remark.
func TestWhateverIsFoundIsValid(t *testing.T) {
	inv, reg := labInventory(t), all.Registry()
	r := rand.New(rand.NewPCG(1, 2))
	kept := 0
	for range 150 {
		f := &Found{Host: "a", Shape: Shape{"B", oddText(r)}}
		for i := range 12 {
			label := fmt.Sprintf("/x%d/%s", i, oddText(r))
			var b *Block
			switch i % 4 {
			case 0:
				b = newBlock("storage", "mount", label).set("source", "/dev/"+oddText(r)).set("fstype", "xfs").set("options", []string{oddText(r), "noatime"})
			case 1:
				b = newBlock("units", "file", label).set("content", Text(oddText(r)+"\n"+oddText(r)+"\n"))
			case 2:
				b = newBlock("units", "drop_in", "x.service/"+strings.ReplaceAll(label[1:], "/", "")).set("sections", map[string]map[string][]string{"Service": {"ExecStart": {oddText(r)}}})
			case 3:
				b = newBlock("units", "kernel_module", oddText(r)).set("options", map[string]string{oddText(r): oddText(r)})
			}
			b.note("%s", oddText(r))
			b.fault("%s", oddText(r))
			f.Blocks = append(f.Blocks, b)
		}
		f.Remarks = append(f.Remarks, Remark{Unknown, oddText(r), oddText(r), oddText(r)})
		plan, err := f.load(inv, reg, nil)
		if err != nil {
			t.Fatalf("%v\n%s", err, texts(f))
		}
		if got := len(f.Blocks) + len(f.Remarks) - 1; got != 12 {
			t.Fatalf("of 12 blocks %d are told of:\n%s", got, texts(f))
		}
		inPlan := 0
		for _, st := range plan.Stages {
			inPlan += len(st.Items)
		}
		if inPlan != len(f.Blocks) {
			t.Fatalf("%d of %d blocks are in the plan", inPlan, len(f.Blocks))
		}
		kept += inPlan
		for _, file := range f.Files() {
			if again := plans.Format(file.Text); !bytes.Equal(again, file.Text) {
				t.Fatalf("%s is not in the one form:\n%s", file.Name, file.Text)
			}
		}
	}
	if kept < 300 {
		t.Errorf("only %d blocks were kept: the test shows little", kept)
	}
}

func texts(f *Found) (out string) {
	for _, file := range f.Files() {
		out += string(file.Text)
	}
	return out
}

// TestTextsComeBack: a text in a plan is the text that was found.
func TestTextsComeBack(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 500 {
		text := oddText(r) + "\n" + oddText(r) + "\n"
		if !plainly(text) {
			continue
		}
		f := &Found{Host: "a", Blocks: []*Block{newBlock("units", "file", "/x").set("content", Text(text))}}
		plan, err := f.load(labInventory(t), all.Registry(), nil)
		if err != nil || len(f.Blocks) == 0 {
			if strings.ContainsAny(text, "\x00") {
				continue
			}
			t.Fatalf("%q: %v %v", text, err, f.Remarks)
		}
		it := plan.Stages[len(plan.Stages)-1].Items[0]
		if got := fmt.Sprintf("%q", contentOf(t, it.Resource)); got != fmt.Sprintf("%q", text) {
			t.Fatalf("%q came back as %s from\n%s", text, got, texts(f))
		}
	}
}

func contentOf(t *testing.T, r modules.Resource) string {
	t.Helper()
	f, ok := r.(*files.File)
	if !ok {
		t.Fatalf("%T is no file", r)
	}
	return f.Content.Value
}
