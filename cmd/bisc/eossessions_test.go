package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// recorded is a file of ../shared/fixtures/eos.
func recorded(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("../../../shared/fixtures/eos", name))
	if err != nil {
		t.Fatalf("%v: the recorded answers lie beside the repository, in ../shared/fixtures/eos", err)
	}
	return b
}

// Both shapes tell of a timer; what is of neither is not taken for nothing.
func TestConfigurers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text           string
		timer, strange string
		pending        int
	}{
		{string(recorded(t, "json/curated/configuration-sessions-4.32plus-pending.json")), "troubleshooting", "", 0},
		{string(recorded(t, "json/curated/configuration-sessions-pre-4.32-pending.json")), "troubleshooting", "", 0},
		{string(recorded(t, "json/curated/configuration-sessions-doublezero.json")), "", "", 2},
		{`{"sessions":{}}`, "", "", 0},
		{`{"sessions":{"x":{"state":"awaiting"}}}`, "", "awaiting", 0},
		{`{"sessions":{"x":{}}}`, "", `state ""`, 0},
	} {
		got, err := readConfigurers([]byte(c.text))
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		if got.Timer != c.timer || got.Pending != c.pending || c.strange == "" != (len(got.Strange) == 0) || !strings.Contains(strings.Join(got.Strange, " "), c.strange) {
			t.Errorf("%s: %+v", c.text, got)
		}
	}
	for _, text := range []string{`{}`, `[]`, `{"sessions":null}`, `{"sessions":[]}`, ``, `% Invalid input`} {
		if got, err := readConfigurers([]byte(text)); err == nil {
			t.Errorf("%q is understood: %+v", text, got)
		}
	}
}

func TestConfigLock(t *testing.T) {
	t.Parallel()
	held := string(recorded(t, "json/curated/configuration-lock.json"))
	for _, c := range []struct {
		lock, clock string
		want        string
	}{
		{held, `{"utcTime":1739319230}`, "the configuration lock is the second manager's: root on vty4, transaction doublezero, for 2h0m1s (the second manager takes a lock of more than an hour)"},
		{held, ``, "the configuration lock is the second manager's: root on vty4, transaction doublezero\n"},
		{held, `{"utcTime":5}`, "transaction doublezero\n"}, // a clock that went back tells nothing
		{`{"userInfo":{}}`, ``, "lock is free"},
		{`{"userInfo":{"username":"","userTty":"","transactionName":"","lockAcquireTime":0}}`, ``, "lock is free"},
		{`{}`, ``, "does not say who holds it"},
		{`nothing`, ``, "does not say who holds it"},
		{strings.Replace(held, "doublezero", "bisc-1", 1), ``, "is ours"},
	} {
		said := &configurers{Max: 5}
		said.readLock([]byte(c.lock), []byte(c.clock))
		text := strings.Join(strings.Fields(said.text("sw")), " ") + "\n"
		want := strings.Join(strings.Fields(c.want), " ")
		if !strings.Contains(text, want) || strings.Contains(c.want, "does not say") && strings.Contains(text, "free") {
			t.Errorf("%s: %q, want %q", c.lock, text, c.want)
		}
	}
}

func TestFolded(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("word ", 40) + strings.Repeat("x", 100) + " " + time.Hour.String()
	got := folded("  ", long)
	if strings.Join(strings.Fields(got), " ") != strings.Join(strings.Fields(long), " ") {
		t.Errorf("words are lost: %s", got)
	}
	for _, line := range strings.Split(strings.TrimRight(got, "\n"), "\n") {
		if len(line) > columns && !strings.Contains(line, "xxx") || !strings.HasPrefix(line, "  ") {
			t.Errorf("%q", line)
		}
	}
}
