package journal

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"bisc/internal/faults"
)

// TestFaultF10_JournalIsOnDisk reads what a controller asks of the kernel: the new journal's name is synced with its folder,
// and each record is written and synced before the controller goes on to the act.
func TestFaultF10_JournalIsOnDisk(t *testing.T) {
	dir, prefix := t.TempDir(), filepath.Join(t.TempDir(), "trace")
	path := filepath.Join(dir, "journal.db")
	plain := job(t, "die", path)
	argv := append(faults.Strace(prefix), plain.Args...)
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env, cmd.Stderr = plain.Env, os.Stderr
	if out, err := cmd.Output(); err != nil || string(out) != "intended\n" {
		t.Fatalf("%q %v", out, err)
	}
	var calls []string // each begins with its time, and all times have one length
	traces, _ := filepath.Glob(prefix + ".*")
	for _, name := range traces {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		calls = append(calls, strings.Split(string(b), "\n")...)
	}
	slices.Sort(calls)
	text := strings.Join(calls, "\n")
	// SQLite syncs the folder too, but not before it has written.
	synced := regexp.MustCompile(`fsync\(\d+<` + regexp.QuoteMeta(dir) + `>\) = 0`).FindStringIndex(text)
	if written := strings.Index(text, "<"+path+">, "); synced == nil || written < synced[0] {
		t.Errorf("the folder is not synced before the first write: the journal itself could be lost")
	}
	// Four records (run, intent, result, intent) and the making of the tables, each with a sync of the log.
	if n := strings.Count(text, "<"+path+"-wal>) = 0"); n < 5 {
		t.Errorf("%d syncs of the log for four records", n)
	}
}
