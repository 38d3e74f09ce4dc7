package eapi

import (
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// goeapi opens ~/.eapi.conf when it is imported. This test's program imports it as bisc does; it is run again, in a mount namespace
// of its own, with a home folder in which that file ends goeapi, or stops it.
func TestHostileConfChangesNothing(t *testing.T) {
	t.Parallel()
	t.Run("a section without a colon", func(t *testing.T) {
		home := t.TempDir()
		hostile(t, filepath.Join(home, ".eapi.conf"))
		runAgain(t, home, "")
	})
	t.Run("a FIFO", func(t *testing.T) {
		home := t.TempDir()
		if err := syscall.Mkfifo(filepath.Join(home, ".eapi.conf"), 0o600); err != nil {
			t.Fatal(err)
		}
		runAgain(t, home, "")
	})
	t.Run("EAPI_CONF", func(t *testing.T) {
		conf := filepath.Join(t.TempDir(), "conf")
		hostile(t, conf)
		runAgain(t, t.TempDir(), conf)
	})
}

func hostile(t *testing.T, name string) {
	t.Helper()
	if err := os.WriteFile(name, []byte("[DEFAULT]\nusername = admin\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

// runAgain runs this program with that home folder; goeapi takes the home of /etc/passwd, not $HOME.
func runAgain(t *testing.T, home, conf string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "unshare", "-m", "sh", "-c", `exec 3<"$1" && mount --bind "$2" "$3" && exec /proc/self/fd/3 -test.run='^TestConfIsRestored$' -test.v`, "-", self, home, me.HomeDir)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "BISC_TEST_EAPI_CONF=" + conf}
	if conf != "" {
		cmd.Env = append(cmd.Env, "EAPI_CONF="+conf)
	}
	cmd.WaitDelay = time.Second
	stop := time.AfterFunc(20*time.Second, func() { _ = cmd.Process.Kill() }) // a FIFO is waited for for ever
	defer stop.Stop()
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "PASS: TestConfIsRestored") {
		t.Errorf("%v\n%.600s", err, out)
	}
}

// Programs that bisc starts see the variable as it was.
func TestConfIsRestored(t *testing.T) {
	want, again := os.LookupEnv("BISC_TEST_EAPI_CONF")
	got, set := os.LookupEnv("EAPI_CONF")
	if again && (got != want || set != (want != "")) || got == os.DevNull {
		t.Errorf("EAPI_CONF is %q (%v), and was %q", got, set, want)
	}
}
