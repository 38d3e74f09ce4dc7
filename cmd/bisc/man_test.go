package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
	"github.com/spf13/pflag"

	"bisc/cmd/bisc/view"
)

const manFolder = "../../docs/man"

// manPages are the manual, a page a verb, made by cobra from the verbs themselves. It is made here and not by bisc: the
// maker would be part of every bisc.
func manPages(t *testing.T) map[string][]byte {
	t.Helper()
	for _, name := range []string{"BISC_PLANS", "BISC_INVENTORY", "NO_COLOR"} { // they are defaults of flags
		t.Setenv(name, "")
	}
	root := (&command{in: strings.NewReader(""), out: io.Discard, errs: io.Discard}).root()
	root.DisableAutoGenTag = true
	root.Version = ""
	root.Long, _, _ = strings.Cut(root.Long, "\n\nExit status")
	plainMarkdown(root)
	dir, date := t.TempDir(), time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	if err := doc.GenManTree(root, &doc.GenManHeader{Section: "1", Date: &date, Source: "bisc", Manual: "bisc"}, dir); err != nil {
		t.Fatal(err)
	}
	pages, err := filepath.Glob(filepath.Join(dir, "*.1"))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]byte{}
	for _, p := range pages {
		text, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		text = regexp.MustCompile(`\n{2,}`).ReplaceAll(text, []byte("\n"))                              // an empty line is a warning to mandoc
		text = regexp.MustCompile(`(?:\.PP\n)?(\\fB-[^\n]*)\n\t`).ReplaceAll(text, []byte(".TP\n$1\n")) // a tab in running text is one too
		text = bytes.Replace(text, []byte(`"Jan 2026"`), []byte(`"2026-01-01"`), 1)
		if filepath.Base(p) == "bisc.1" {
			text = append(bytes.TrimRight(text, "\n"), manSections()...)
		}
		out[filepath.Base(p)] = text
	}
	return out
}

// plainMarkdown makes every text one that markdown shows as it is: cobra's pages go through it.
func plainMarkdown(cmd *cobra.Command) {
	plain := func(s string) string { return regexp.MustCompile("[\\\\`*_<>\\[\\]#|~]").ReplaceAllString(s, `\$0`) }
	if cmd.Long == "" {
		cmd.Long = cmd.Short
	}
	cmd.Short, cmd.Long, cmd.Use = plain(cmd.Short), strings.ReplaceAll(plain(cmd.Long), "\n", "\n\n"), plain(cmd.Use)
	usage := func(f *pflag.Flag) {
		if !strings.Contains(f.Usage, `\`) {
			f.Usage, f.DefValue = plain(f.Usage), plain(f.DefValue)
		}
	}
	cmd.Flags().VisitAll(usage)
	cmd.PersistentFlags().VisitAll(usage)
	for _, inner := range cmd.Commands() {
		plainMarkdown(inner)
	}
}

// manSections are what the verbs do not say of themselves.
func manSections() []byte {
	roff := strings.NewReplacer(`\`, `\e`, "-", `\-`, "'", `\(aq`, "`", `\(ga`)
	var b bytes.Buffer
	section := func(name string, rows [][2]string) {
		fmt.Fprintf(&b, "\n.SH %s", name)
		for _, r := range rows {
			fmt.Fprintf(&b, "\n.TP\n\\fB%s\\fP\n%s", roff.Replace(r[0]), roff.Replace(r[1]))
		}
	}
	var exits [][2]string
	var last string
	for _, l := range lines(view.ExitTable()) {
		if status, means, ok := strings.Cut(l, "  "); ok && len(status) == 1 {
			exits = append(exits, [2]string{status, means})
		} else {
			last = l
		}
	}
	section("EXIT STATUS", exits)
	b.WriteString("\n.PP\n" + roff.Replace(last))
	section("ENVIRONMENT", [][2]string{
		{"BISC_PLANS, BISC_INVENTORY", "what --plans and --inventory are where they are not given"},
		{"BISC_AGE_IDENTITY", "the age identity file, or SSH private key, that opens what plans read with age()"},
		{"XDG_STATE_HOME", "where bisc's own folder is (default ~/.local/state)"},
		{"SSH_AUTH_SOCK", "the agent that has the keys"},
		{"NO_COLOR", "no colour"},
	})
	section("FILES", [][2]string{
		{"*.bisc.hcl, *.bisc.json", "plans, in the folder of --plans"},
		{"~/.local/state/bisc/journal.db", "the journal: what was intended, done, and what is unknown"},
		{"~/.local/state/bisc/key", "the key of plan files and of the digests that stand for secrets"},
		{"~/.ssh/config, ~/.ssh/known_hosts", "asked as ssh asks them"},
		{"/run/bisc/lock", "on a host: the lock of the run that changes it"},
		{"/var/lib/bisc/holds.json", "on a host: its holds"},
	})
	b.WriteByte('\n')
	return b.Bytes()
}

// The manual in docs/man is what the verbs say: go test ./cmd/bisc -run README -update. mandoc and groff read it without
// a complaint.
func TestREADMEsManualIsCurrent(t *testing.T) {
	pages := manPages(t)
	if *update {
		if err := os.RemoveAll(manFolder); err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(manFolder, 0o755); err != nil {
			t.Fatal(err)
		}
		for name, text := range pages {
			if err := os.WriteFile(filepath.Join(manFolder, name), text, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	there, err := filepath.Glob(manFolder + "/*")
	if err != nil || len(there) != len(pages) || len(pages) < 15 {
		t.Errorf("%v: docs/man has %d pages, want %d: go test ./cmd/bisc -run README -update", err, len(there), len(pages))
	}
	for name, want := range pages {
		have, err := os.ReadFile(filepath.Join(manFolder, name))
		if err != nil || !bytes.Equal(have, want) {
			t.Errorf("docs/man/%s is not what the verb says (%v): go test ./cmd/bisc -run README -update", name, err)
		}
	}
	for _, reader := range [][]string{{"mandoc", "-Tlint", "-Wwarning"}, {"groff", "-man", "-Tutf8", "-ww", "-z"}} {
		out, err := exec.CommandContext(t.Context(), reader[0], append(slices.Clone(reader[1:]), there...)...).CombinedOutput()
		if err != nil || len(out) > 0 {
			t.Errorf("%v: %v\n%.3000s", reader, err, out)
		}
	}
}

// A reader sees what the help says, and the sections that only the manual has.
func TestManualReads(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "mandoc", "-Tutf8", "-O", "width=300", manFolder+"/bisc.1", manFolder+"/bisc-plan.1").Output()
	if err != nil {
		t.Fatal(err)
	}
	text := regexp.MustCompile(".\b").ReplaceAllString(string(out), "") // bold is a letter over itself
	for _, want := range []string{"EXIT STATUS", "ENVIRONMENT", "FILES", "a host could not be reached", "BISC_AGE_IDENTITY", "--no-probes", "(* matches any run of characters)", "bisc-plan(1)"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}
