package fetch

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A folder that is not there is said so, with the remedy.
func TestFetchIntoNoFolder(t *testing.T) {
	if err := refuseLive(filepath.Join(t.TempDir(), "none")); err == nil || !strings.Contains(err.Error(), "make it first") {
		t.Error(err)
	}
}

// A folder in which a living validator keeps its snapshots is none to fetch into, under whatever name it sees it.
func TestValidatorIn(t *testing.T) {
	for name, tt := range map[string]struct {
		comm string
		exe  string
		args []string
		want bool
	}{
		"its snapshots":            {"agave-validator", "/bin/other", []string{"--ledger", "/data/ledger", "--snapshots", "/data/snapshots"}, true},
		"with an equals sign":      {"agave-validator", "/bin/other", []string{"--snapshots=/data/snapshots"}, true},
		"its incrementals":         {"agave-validator", "/bin/other", []string{"--incremental-snapshot-archive-path", "/data/snapshots"}, true},
		"its fulls":                {"agave-validator", "/bin/other", []string{"--snapshots", "/data/ledger", "--full-snapshot-archive-path", "/data/snapshots"}, true},
		"its ledger, in one word":  {"agave-validator", "/bin/other", []string{"-l/data/snapshots"}, true},
		"its ledger":               {"solana-validato", "/bin/other", []string{"-l", "/data/snapshots"}, true},
		"from where it works":      {"agave-validator", "/bin/other", []string{"--snapshots", "snapshots"}, true},
		"under a thread's name":    {"solAcctsDbFlush", "/usr/bin/agave-validator", []string{"--snapshots", "/data/snapshots"}, true},
		"its program was replaced": {"main", "/usr/bin/solana-validator (deleted)", []string{"--snapshots", "/data/snapshots"}, true},
		"another folder":           {"agave-validator", "/bin/other", []string{"--snapshots", "/data/ledger"}, false},
		"another program":          {"agave-watchtower", "/bin/other", []string{"--snapshots", "/data/snapshots"}, false},
		"an option at the end":     {"agave-validator", "/bin/other", []string{"--snapshots"}, false},
	} {
		proc, dir := t.TempDir(), t.TempDir()
		inner := filepath.Join(proc, "42", "root", "data")
		for _, d := range []string{inner, filepath.Join(inner, "ledger"), filepath.Join(proc, "self")} {
			if err := os.MkdirAll(d, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		for link, to := range map[string]string{filepath.Join(inner, "snapshots"): dir, filepath.Join(proc, "42", "cwd"): inner, filepath.Join(proc, "42", "exe"): tt.exe} {
			if err := os.Symlink(to, link); err != nil {
				t.Fatal(err)
			}
		}
		for file, text := range map[string]string{"comm": tt.comm + "\n", "cmdline": strings.Join(append([]string{tt.comm}, tt.args...), "\x00") + "\x00"} {
			if err := os.WriteFile(filepath.Join(proc, "42", file), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if pid, err := validatorIn(proc, dir); err != nil || (pid == "42") != tt.want {
			t.Errorf("%s: %q, %v", name, pid, err)
		}
	}
}

// A validator whose folder cannot be looked at may have this one: that is no leave to fetch into it. What ended meanwhile, and
// what is no process, is no validator.
func TestValidatorInUnknown(t *testing.T) {
	for name, tt := range map[string]struct {
		process string
		cmdline func(path string) error
		refused bool
	}{
		"its folder cannot be looked at":       {"42", commandLine("--snapshots", "/round"), true},
		"nor can its second one":               {"42", commandLine("--snapshots", "/none", "--ledger", "/round"), true},
		"its command line cannot be read":      {"42", func(path string) error { return os.Mkdir(path, 0o755) }, true},
		"its folder is not there":              {"42", commandLine("--snapshots", "/none"), false},
		"it has ended":                         {"42", func(string) error { return nil }, false},
		"another name of a process, not a pid": {"self", commandLine("--snapshots", "/round"), false},
	} {
		proc, dir := t.TempDir(), t.TempDir()
		root := filepath.Join(proc, tt.process, "root")
		err := errors.Join(os.MkdirAll(root, 0o755), os.Symlink("round", filepath.Join(root, "round")),
			os.WriteFile(filepath.Join(proc, tt.process, "comm"), []byte("agave-validator\n"), 0o644), tt.cmdline(filepath.Join(proc, tt.process, "cmdline")))
		if err != nil {
			t.Fatal(err)
		}
		pid, err := validatorIn(proc, dir)
		if pid != "" || (err != nil) != tt.refused || err != nil && !strings.Contains(err.Error(), "the validator 42") {
			t.Errorf("%s: %q, %v", name, pid, err)
		}
	}
}

func commandLine(args ...string) func(path string) error {
	return func(path string) error {
		return os.WriteFile(path, []byte("agave-validator\x00"+strings.Join(args, "\x00")+"\x00"), 0o644)
	}
}
