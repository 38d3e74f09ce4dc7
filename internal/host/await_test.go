package host

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// TestAwaitEnd: the end of a process is told when it comes, also where another has its pid; one that lives is waited for no longer than
// is said, and then nothing is told.
func TestAwaitEnd(t *testing.T) {
	cmd := exec.Command("sleep", "infinity")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }) // where the test ends before it does
	pid := strconv.Itoa(cmd.Process.Pid)
	text, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		t.Fatal(err)
	}
	start := strings.Fields(string(text[strings.LastIndex(string(text), ") ")+2:]))[19]
	if out, exit := read(t, AwaitEnd, "2", pid, start); out != "" || exit != 0 {
		t.Errorf("of one that lives: %q, exit %d", out, exit)
	}
	if out, exit := read(t, AwaitEnd, "600", pid, "1"); out != "ended "+pid+"\n" || exit != 0 {
		t.Errorf("of one whose pid another has: %q, exit %d", out, exit)
	}
	ended := make(chan string)
	go func() {
		out, exit := read(t, AwaitEnd, "600", fmt.Sprint(os.Getpid()), own(t), pid, start)
		ended <- fmt.Sprintf("%s%d", out, exit)
	}()
	if err := cmd.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = cmd.Wait()
	if got := <-ended; got != "ended "+pid+"\n0" {
		t.Errorf("of one that ends: %q", got)
	}
}

// own is when this process started, in ticks.
func own(t *testing.T) string {
	text, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		t.Error(err)
	}
	return strings.Fields(string(text[strings.LastIndex(string(text), ") ")+2:]))[19]
}
