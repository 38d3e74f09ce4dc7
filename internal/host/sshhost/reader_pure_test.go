package sshhost

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"bisc/internal/host"
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

// A key that only looks must not take the host's memory either: each process of the reader has a bound, and goes first
// when memory runs out, before the validator.
func TestReaderIsBounded(t *testing.T) {
	file := filepath.Join(t.TempDir(), "reader")
	if err := os.WriteFile(file, []byte(ReaderProgram()), 0o700); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), file)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = in.Close(); _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	if _, err := io.WriteString(in, "bisc-reader 1 "+newNonce()+"\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatalf("it does not greet: %v", err)
	}
	for file, want := range map[string]string{"limits": `(?m)^Max address space +1073741824 +1073741824 `, "oom_score_adj": `^1000\n`, "stat": `^\d+ \(.*\) \S(?: \S+){15} 1\d `} {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", cmd.Process.Pid, file))
		if err != nil || !regexp.MustCompile(want).Match(b) {
			t.Errorf("%s: %v\n%s", file, err, b)
		}
	}
}

// TestReaderDialsNobody: what a reader's key can have the host do is no connection to where the key's holder says.
func TestReaderDialsNobody(t *testing.T) {
	program, dialling := ReaderProgram(), 0
	for _, r := range host.Readings() {
		has := strings.Contains(program, perlString(r.Name)+" => { text")
		if has == r.Dials {
			t.Errorf("%s: in the reader's list %v, dials %v", r.Name, has, r.Dials)
		}
		if r.Dials {
			dialling++
		}
	}
	if dialling == 0 {
		t.Error("no reading dials: does ip-echo still say so?")
	}
}
