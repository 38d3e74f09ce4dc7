package sshhost

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

// The reader compiles, and has nothing in it that writes or that runs what the far end brings: not even unused.
func TestReaderHasNoHands(t *testing.T) {
	text := ReaderProgram()
	file := filepath.Join(t.TempDir(), "reader")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "perl", "-wc", file).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	own := text[len("#!/usr/bin/perl\n"):]
	if at := regexp.MustCompile(`(?m)^\$READINGS = \{\n(?s:.*?)^\};\n`).FindStringIndex(own); at == nil {
		t.Fatal("no readings")
	} else {
		own = own[:at[0]] + own[at[1]:] // shell texts of their own; the list of readings is tested as read-only
	}
	for _, verb := range []string{`\bunlink\b`, `\brename\b`, `\btruncate\b`, `\bflock\s*\(`, `\bmkdir\b`, `\brmdir\b`, `\bchmod\b`, `\bchown\b`, `\bsymlink\b`, `[^$]\blink\s*\(`,
		`\butime\b`, `\bioctl\b`, `O_WRONLY`, `O_RDWR`, `O_CREAT`, `O_TRUNC`, `\beval\s*["$]`, `\bsystem\b`, "`", `\bqx\b`, `open\([^)]*['"](>|\+|-\||\|-)`} {
		if found := regexp.MustCompile(verb).FindString(own); found != "" {
			t.Errorf("the reader has %q in it", found)
		}
	}
	if ReaderVersion() == "" || ReaderProgram() != text {
		t.Error("the reader is another each time")
	}
}
