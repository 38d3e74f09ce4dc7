package sshhost

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bisc/internal/faults"
)

// TestFaultF20_NoSecondProbe: a question that hangs in the kernel, so that not even SIGKILL ends it, is given up at its limit,
// others are answered, and no later run asks it again while it hangs; when the storage is back it is asked and answered.
func TestFaultF20_NoSecondProbe(t *testing.T) {
	dead := faults.DeadStorage(t)
	enter := []string{"nsenter", "--target", fmt.Sprint(dead.PID()), "--mount", "--"}
	file, live := filepath.Join(dead.Folder, "file"), filepath.Join(t.TempDir(), "live")
	if err := os.WriteFile(live, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	at := newPlace(t)
	for round := range 3 {
		f := startFar(t, at, time.Minute, enter...)
		if s := f.answer(f.run(0, time.Second, "", "cat", file)); s.status != limitOver {
			t.Errorf("round %d: the program: %+v, want the end of the limit", round, s)
		}
		// Two operations in one worker: the first hangs, and the second is answered all the same.
		ops := appendFileOp(appendFileOp(nil, 900, statOf(file)), 901, statOf(live))
		f.send(frameFiles, ops)
		if s := f.answer(901); !strings.HasPrefix(s.text, "=") {
			t.Errorf("round %d: the live file: %+v", round, s)
		}
		if s := f.answer(900); s.text != "!stuck" {
			t.Errorf("round %d: the dead file: %+v", round, s)
		}
		_ = f.in.Close()
		f.gone("its input has ended")
		if n := dead.Hanging(t); len(n) != 2 {
			t.Errorf("round %d: %d processes hang, want the first two: %q", round, len(n), n)
		}
	}
	f := startFar(t, at, time.Minute, enter...)
	waits := f.run(0, time.Minute, "", "cat", file)
	f.send(framePing)
	dead.Revive()
	if s := f.answer(waits); s.kind != frameStatus || s.status == limitOver {
		t.Errorf("the storage is back: %+v", s)
	}
}

func statOf(path string) *request { return newRequest(opStat, time.Second, path) }
