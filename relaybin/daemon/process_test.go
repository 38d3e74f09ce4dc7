package daemon

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

const patience = time.Minute // of a test that waits for an event on a busy machine

// daemonOf starts the sample daemon as a process with a notify socket of the test's and returns it and what it tells.
func daemonOf(t *testing.T, env []string, files ...*os.File) (*exec.Cmd, *bufio.Reader, chan string) {
	t.Helper()
	told, at := listener(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	// The shell writes its own pid into LISTEN_PID and becomes the daemon: systemd does this between fork and exec.
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", `LISTEN_PID=$$ exec "$0" --metrics 127.0.0.1:0`, os.Args[0])
	cmd.Env = append(os.Environ(), append([]string{"BISC_TEST_DAEMON=1", "NOTIFY_SOCKET=" + at}, env...)...)
	cmd.ExtraFiles = files
	cmd.WaitDelay = time.Second // a test that has failed reads no more
	r, w := io.Pipe()
	cmd.Stdout, cmd.Stderr = w, w
	context.AfterFunc(ctx, func() { w.Close() }) // nobody reads for ever
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	return cmd, bufio.NewReader(r), told
}

// listener is a notify socket; its channel carries each assignment.
func listener(t *testing.T) (chan string, string) {
	at := filepath.Join(t.TempDir(), "notify")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: at, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	told := make(chan string, 1000)
	go func() {
		defer close(told)
		b := make([]byte, 4096)
		for {
			n, err := c.Read(b)
			if err != nil {
				return
			}
			for line := range strings.Lines(string(b[:n])) {
				told <- strings.TrimSpace(line)
			}
		}
	}()
	return told, at
}

func await(t *testing.T, told chan string, want string) {
	t.Helper()
	limit := time.After(patience)
	for {
		select {
		case got, open := <-told:
			if !open {
				t.Fatalf("the notify socket closed before %q", want)
			}
			if got == want {
				return
			}
		case <-limit:
			t.Fatalf("no %q within %v", want, patience)
		}
	}
}

func line(t *testing.T, r *bufio.Reader, want string) string {
	t.Helper()
	for {
		got, err := r.ReadString('\n')
		if strings.Contains(got, want) {
			return strings.TrimSpace(got)
		}
		if err != nil {
			t.Fatalf("output ended before %q: %v", want, err)
		}
	}
}

// READY, STATUS, WATCHDOG while the loop turns, RELOADING and READY again at SIGHUP, STOPPING at SIGTERM, drain, status 0.
func TestNotify(t *testing.T) {
	cmd, out, told := daemonOf(t, []string{"WATCHDOG_USEC=400000"})
	go io.Copy(io.Discard, out)
	for _, want := range []string{"READY=1", "STATUS=turning for the test", "WATCHDOG=1", "WATCHDOG=1"} {
		await(t, told, want)
	}
	cmd.Process.Signal(syscall.SIGHUP)
	await(t, told, "RELOADING=1")
	await(t, told, "READY=1")
	cmd.Process.Signal(syscall.SIGTERM)
	await(t, told, "STOPPING=1")
	if err := cmd.Wait(); err != nil {
		t.Errorf("after SIGTERM: %v, want status 0", err)
	}
}

// A loop that stands, and a health check that a restart would cure, silence the watchdog; the log says which.
func TestWatchdogSilent(t *testing.T) {
	for env, why := range map[string]string{"TEST_STUCK=1": "the loop loop does not turn", "TEST_SICK=1": "the destination's namespace is gone"} {
		cmd, out, told := daemonOf(t, []string{"WATCHDOG_USEC=400000", env})
		await(t, told, "READY=1")
		for range 4 { // the first ping can come before the first look
			line(t, out, why)
		}
		go io.Copy(io.Discard, out)
		cmd.Process.Signal(syscall.SIGTERM)
		await(t, told, "STOPPING=1")
		cmd.Wait()
		pings := 0
		for len(told) > 0 {
			if <-told == "WATCHDOG=1" {
				pings++
			}
		}
		if pings > 0 {
			t.Errorf("%s: %d pings", env, pings)
		}
	}
}

// Sockets come by name; one without a use is refused with status 2 and the names that have one.
func TestSockets(t *testing.T) {
	socket := func() *os.File {
		c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		f, err := c.File()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		return f
	}
	a, b := socket(), socket()
	_, out, told := daemonOf(t, []string{"LISTEN_FDS=2", "LISTEN_FDNAMES=sequenced:ip"}, a, b)
	line(t, out, "socket ip true")
	line(t, out, "socket sequenced true")
	go io.Copy(io.Discard, out)
	await(t, told, "READY=1")

	cmd, out, _ := daemonOf(t, []string{"LISTEN_FDS=1", "LISTEN_FDNAMES=bare"}, a)
	line(t, out, `socket "bare" from systemd has no use here (from LISTEN_FDNAMES); write FileDescriptorName= in the .socket unit, one of: ip, sequenced`)
	cmd.Wait()
	if got := cmd.ProcessState.ExitCode(); got != exitSetting {
		t.Errorf("status %d, want %d", got, exitSetting)
	}
}

// /healthz is 503 with the reason while a check fails, 200 else; /metrics shows what runs.
func TestHTTP(t *testing.T) {
	for env, want := range map[string]string{"TEST_SICK=1": "503 fail destination: the destination's namespace is gone", "TEST_WELL=1": "200 ok destination"} {
		_, out, _ := daemonOf(t, []string{env})
		_, addr, _ := strings.Cut(line(t, out, "metrics are served"), "addr=")
		go io.Copy(io.Discard, out)
		if got := get(t, "http://"+addr+"/healthz"); got != want {
			t.Errorf("%s: %q, want %q", env, got, want)
		}
		page := get(t, "http://"+addr+"/metrics")
		for _, name := range []string{"200 ", `sampled_build_info{`, `sha256="` + digest() + `"`, "process_cpu_seconds_total", "process_resident_memory_bytes"} {
			if !strings.Contains(page, name) {
				t.Errorf("no %q in /metrics", name)
			}
		}
	}
}

func get(t *testing.T, url string) string {
	t.Helper()
	c := http.Client{Timeout: patience}
	r, err := c.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r.Status[:4] + strings.TrimSpace(string(body))
}
