package all

import (
	"bytes"
	"fmt"
	"strings"

	"bisc/modules"
)

// Markdown is docs/kinds.md: a section a kind, made of what validates the plans.
func Markdown(r modules.Registry) []byte {
	var b bytes.Buffer
	b.WriteString("# Kinds\n\nGenerated from the code by `go test ./modules/all -update`; a test fails when it is not what the code says.\n\n" +
		"A block is written `KIND \"LABEL\" { ... }` in a `layer` or `stage`. Sizes are written 600GiB (powers of 1024), durations 1m30s, modes \"0644\". " +
		"Every kind may carry `for_each`.\n\n")
	for _, k := range r.Kinds() {
		fmt.Fprintf(&b, "- [%s](#%s): %s\n", k.Name, k.Name, firstSentence(k.Doc))
	}
	for _, k := range r.Kinds() {
		section(&b, k)
	}
	return b.Bytes()
}

func section(b *bytes.Buffer, k modules.Kind) {
	fmt.Fprintf(b, "\n## %s\n\n%s\n\nOn %s hosts; by habit in the layer `%s`. Label: %s.\n\n", k.Name, k.Doc, k.Platform, k.Layer, k.Label)
	attributes(b, k)
	b.WriteString("Observed:\n\n")
	for _, c := range k.Checks {
		fmt.Fprintf(b, "- %s\n", c)
	}
	b.WriteString("\n")
	if len(k.Losses) == 0 {
		b.WriteString("It destroys nothing.\n\n")
	} else {
		b.WriteString("What it may destroy, and what stands before that:\n\n| what | when | guards |\n|---|---|---|\n")
		for _, l := range k.Losses {
			fmt.Fprintf(b, "| %s | %s | %s |\n", cell(l.What), cell(l.When), cell(guards(l)))
		}
		b.WriteString("\n")
	}
	fmt.Fprintf(b, "```hcl\n%s\n```\n", strings.TrimSpace(k.Example))
}

func attributes(b *bytes.Buffer, k modules.Kind) {
	attrs := k.Attrs()
	if len(attrs) == 0 {
		b.WriteString("It has no attributes.\n\n")
		return
	}
	b.WriteString("| attribute | type | default | meaning |\n|---|---|---|---|\n")
	for _, a := range attrs {
		def := "required"
		if !a.Required {
			def = "none"
			if a.Default != "" {
				def = "`" + a.Default + "`"
			}
		}
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", a.Name, a.Type, def, cell(a.Doc))
	}
	b.WriteString("\n")
}

// LossTable is the README's table of everything that bisc can destroy or interrupt, and what protects it.
func LossTable(r modules.Registry) []byte {
	var b bytes.Buffer
	b.WriteString("| kind | what may be lost | when | what stands before it |\n|---|---|---|---|\n")
	for _, k := range r.Kinds() {
		for _, l := range k.Losses {
			fmt.Fprintf(&b, "| [`%s`](docs/kinds.md#%s) | %s | %s | %s |\n", k.Name, k.Name, cell(l.What), cell(l.When), cell(guards(l)))
		}
	}
	return b.Bytes()
}

func guards(l modules.Loss) string { return strings.Join(l.Guards, "; ") }

// cell keeps text from ending its cell.
func cell(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "|", `\|`), "\n", " ")
}

func firstSentence(s string) string {
	if i := strings.Index(s, ". "); i >= 0 {
		return s[:i+1]
	}
	return s
}
