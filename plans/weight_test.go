package plans

import (
	"fmt"
	"strings"
	"testing"

	"bisc/internal/source"
)

func TestValuesThatDouble(t *testing.T) {
	for name, line := range map[string]string{"lists": "  a%02d = [local.a%02d, local.a%02d]\n", "text": "  a%02d = \"${local.a%02d}${local.a%02d}\"\n"} {
		var b strings.Builder
		b.WriteString("locals {\n  a00 = \"x\"\n")
		for i := 1; i < 40; i++ {
			fmt.Fprintf(&b, line, i, i-1, i-1)
		}
		b.WriteString("}\n")
		_, diags := Load(Options{Files: []source.File{{Name: "x.bisc.hcl", Text: []byte(b.String())}}, Registry: testRegistry()})
		if len(diags) != 1 || diags[0].Summary != "Value too large" {
			t.Errorf("%s: got %d, %v", name, len(diags), diags)
		}
	}
}

func TestValuesThatNest(t *testing.T) {
	var b strings.Builder
	b.WriteString("locals {\n  a00000 = \"x\"\n")
	for i := 1; i < 20_000; i++ {
		fmt.Fprintf(&b, "  a%05d = [local.a%05d]\n", i, i-1)
	}
	b.WriteString("}\n")
	_, diags := Load(Options{Files: []source.File{{Name: "x.bisc.hcl", Text: []byte(b.String())}}, Registry: testRegistry()})
	if !diags.HasErrors() || diags[0].Summary != "Value too large" {
		t.Errorf("got %d diagnostics", len(diags))
	}
}
