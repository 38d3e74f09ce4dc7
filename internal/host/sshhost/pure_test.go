package sshhost

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"bisc/internal/host"
)

func TestAgentIsSmallAndPlain(t *testing.T) {
	text := program(NewPool(Options{}), newNonce())
	if len(text) > 14<<10 {
		t.Errorf("the agent is %d bytes, want at most 14 KiB", len(text))
	}
	for _, line := range strings.Split(string(text), "\n") {
		if strings.HasPrefix(line, "#") || strings.TrimSpace(line) != line {
			t.Errorf("not stripped: %q", line)
		}
	}
	cmd := exec.Command("perl", "-c", "-")
	cmd.Stdin = strings.NewReader(string(text) + stripPerl(putText) + stripPerl(recordText))
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "syntax OK") {
		t.Errorf("%v: %s", err, out)
	}
	// It goes through login shells of all kinds in single quotes: csh expands ! even there, fish reads \ there.
	if b := boot(len(text), "bisc-up-0123"); strings.ContainsAny(b, "'!\\\n") {
		t.Errorf("the boot line has what a login shell may touch: %s", b)
	}
	for _, script := range []string{shellText, beatScript} {
		if out, err := exec.Command("sh", "-n", "-c", stripShell(script)).CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
	}
	if strings.ContainsAny(beatScript, "!\\\n'") && strings.Contains(host.Quote(beatScript), `\\`) {
		t.Error("the heartbeat's script has a backslash")
	}
}

func TestSplitBlocks(t *testing.T) {
	for text, want := range map[string][]string{
		"":                            {""},
		"Id=a\nX=1\n":                 {"Id=a\nX=1\n"},
		"Id=a\n\nId=b\nX=\n":          {"Id=a\n", "Id=b\nX=\n"},
		"\nId=b\n":                    {"", "Id=b\n"},
		"Id=a\n\n\nId=c\n":            {"Id=a\n", "", "Id=c\n"},
		"Id=a\n\n":                    {"Id=a\n", ""},
		"Id=a\nnot ended\n\nlast one": {"Id=a\nnot ended\n", "last one"},
	} {
		if got := splitBlocks(text); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// answering is waves over a far end that answers each program by f, at once.
func answering(f func(words []string) answer) (w *waves, sent *[][]string) {
	sent = &[][]string{}
	w = newWaves(&counters{}, func(rs []*request) {
		for _, r := range rs {
			*sent = append(*sent, r.words)
			go r.finish(f(r.words))
		}
	}, func(*request) {})
	return w, sent
}

func show(props, unit string) *request {
	return newRequest(opRun, time.Second, "systemctl", "show", "-p", props, "--", unit)
}

func TestMerge(t *testing.T) {
	blocks := func(units []string) string {
		var b []string
		for _, u := range units {
			b = append(b, "Id="+u+"\n")
		}
		return strings.Join(b, "\n")
	}
	for _, c := range []struct {
		name  string
		joint func(*host.Output) // what is odd about the answer to the joint question
		asked int                // programs started
	}{
		{"dealt out", func(*host.Output) {}, 2},
		{"one block too many", func(o *host.Output) { o.Stdout = append(o.Stdout, "\nId=c\n"...) }, 4},
		{"one block too few", func(o *host.Output) { o.Stdout = []byte("Id=a\n") }, 4},
		{"a complaint", func(o *host.Output) { o.Stderr = []byte("hm\n") }, 4},
		{"a failure", func(o *host.Output) { o.Exit = 1 }, 4},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, sent := answering(func(words []string) answer {
				a := answer{out: host.Output{Stdout: []byte(blocks(words[5:]))}}
				if len(words) > 6 {
					c.joint(&a.out)
				}
				return a
			})
			defer w.close(errors.New("over"))
			// The fourth is the same question as the second, and never asked.
			requests := []*request{show("Id", "a"), show("Id", "b"), show("Names", "a"), show("Id", "b")}
			got := make([]string, len(requests))
			var all []func(context.Context) error
			for i, r := range requests {
				all = append(all, func(ctx context.Context) error {
					a, err := w.ask(ctx, r)
					got[i] = string(a.out.Stdout)
					return err
				})
			}
			if err := host.Ask(t.Context(), all...); err != nil {
				t.Fatal(err)
			}
			if want := []string{"Id=a\n", "Id=b\n", "Id=a\n", "Id=b\n"}; !slices.Equal(got, want) {
				t.Errorf("%q, want %q", got, want)
			}
			if len(*sent) != c.asked {
				t.Errorf("%d programs were started, want %d: %q", len(*sent), c.asked, *sent)
			}
		})
	}
}

func TestForgottenAnswersAreNotShared(t *testing.T) {
	release := make(chan struct{})
	w, sent := answering(func([]string) answer { <-release; return answer{} })
	defer w.close(errors.New("over"))
	first := w.add(newRequest(opStat, time.Second, "/x"))
	if second := w.add(newRequest(opStat, time.Second, "/x")); second != first {
		t.Error("a question under way was asked twice")
	}
	w.forget()
	third := w.add(newRequest(opStat, time.Second, "/x"))
	if third == first {
		t.Error("a question after a step shares an answer from before it")
	}
	close(release)
	<-first.done
	<-third.done
	if len(*sent) != 2 {
		t.Errorf("%d were sent", len(*sent))
	}
}

func TestSplitter(t *testing.T) {
	type piece struct {
		id, exit int
		text     string
	}
	stream := "\x1en 1 0\n" + "out\x1e\x1en 2 7\n" + "a\nb\x1en 3 255\n" + "left"
	for size := 1; size <= len(stream); size++ {
		var got []piece
		s := &splitter{mark: "\x1en ", got: func(id, exit int, text []byte) { got = append(got, piece{id, exit, string(text)}) }}
		for part := range slices.Chunk([]byte(stream), size) {
			s.add(part)
		}
		want := []piece{{1, 0, ""}, {2, 7, "out\x1e"}, {3, 255, "a\nb"}}
		if !slices.Equal(got, want) {
			t.Fatalf("in pieces of %d: %v", size, got)
		}
	}
}

func TestVisibleMount(t *testing.T) {
	const table = `21 1 8:1 / / rw - ext4 /dev/sda1 rw
22 21 0:5 / /dev rw - devtmpfs udev rw
30 21 8:2 / /srv rw - xfs /dev/sdb rw
31 30 8:3 / /srv/a\040b rw - xfs /dev/sdc rw
40 30 0:9 / /srv rw - tmpfs over rw
41 21 8:9 / /srv/a\040b rw - xfs /dev/sdd rw
50 21 8:5 / /mnt rw - xfs /dev/sde rw
51 50 8:6 / /mnt rw - xfs /dev/sdf rw
`
	for path, want := range map[string]int{
		"/": 21, "/etc/fstab": 21, "/dev/null": 22, "/srv": 40, "/srv/x": 40, "/srv/a b/c": 40, "/srvx": 21, "/mnt/x": 51, "/mnt": 51,
	} {
		if got := visibleMount(table, path); got != want {
			t.Errorf("%s: %d, want %d", path, got, want)
		}
	}
	// In a namespace the root has a parent outside; a root mounted over the root hides it.
	if got := visibleMount("90 80 0:1 / / rw - overlay o rw\n95 90 0:2 / / rw - tmpfs t rw\n", "/x"); got != 95 {
		t.Errorf("a root over the root: %d", got)
	}
	if got := visibleMount("1 1 0:2 / / rw - rootfs rootfs rw\n", "/x"); got != 1 {
		t.Errorf("a root that is its own parent: %d", got)
	}
	if got := visibleMount("nonsense\n", "/x"); got != 0 {
		t.Errorf("nonsense: %d", got)
	}
}

func TestWhyNot(t *testing.T) {
	for said, want := range map[string]string{
		"bash: line 1: sudo: command not found":                                   "no sudo on the host",
		"env: ‘sudo’: No such file or directory":                                  "no sudo on the host",
		"env: 'sudo': No such file or directory":                                  "no sudo on the host",
		"fish: Unknown command: sudo":                                             "no sudo on the host",
		"sudo: a password is required":                                            errPassword.Error(),
		"sudo: sorry, you must have a tty to run sudo":                            "requiretty",
		"x is not in the sudoers file.  This incident has been reported.":         "allow it in sudoers",
		"Sorry, user x is not allowed to execute '/usr/bin/perl' as root on host": "allow it in sudoers",
		"sudo: perl: command not found":                                           errNoPerl.Error(),
		"sh: 1: perl: not found":                                                  errNoPerl.Error(),
		"perl: Command not found.":                                                errNoPerl.Error(),
		"fish: Unknown command: perl":                                             errNoPerl.Error(),
		"Can't locate File/Glob.pm in @INC (you may need":                         errNoPerl.Error(),
		"This account is currently not available.":                                "This account is currently not available.",
		"": "nothing was said",
	} {
		l := &link{ended: make(chan struct{})}
		close(l.ended)
		_, _ = l.said.Write([]byte("some noise\n" + said + "\n"))
		if said == "" {
			l.said = lastWords{}
		}
		if err := whyNot(&Config{User: "x"}, l, nil); !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", said, err, want)
		}
	}
}

func TestResolve(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config")
	text := `
Host bisc-test
  HostName 192.0.2.7
  User deploy
  Port 2222
  IdentityFile ~/.ssh/id_one
  IdentityFile /keys/two
  ProxyJump one@jump.example:2200,two
Match host 192.0.2.9
  User matched
`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := ResolveSSHConfig(t.Context(), file, "bisc-test")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]string{
		"hostname": {"192.0.2.7"}, "user": {"deploy"}, "port": {"2222"}, "identityfile": {"~/.ssh/id_one", "/keys/two"},
		"proxyjump": {"one@jump.example:2200,two"},
	}
	for key := range want {
		if !slices.Equal(got[key], want[key]) {
			t.Errorf("%s: %q, want %q", key, got[key], want[key])
		}
	}
	if got, err = ResolveSSHConfig(t.Context(), file, "192.0.2.9"); err != nil || !slices.Equal(got["user"], []string{"matched"}) || got["proxyjump"] != nil {
		t.Errorf("%q %q, %v", got["user"], got["proxyjump"], err)
	}
	if _, err = ResolveSSHConfig(t.Context(), "/no/such/config", "x"); err == nil || !strings.Contains(err.Error(), "/no/such/config") {
		t.Errorf("no file: %v", err)
	}
	if got, err = ResolveSSHConfig(t.Context(), "none", "x"); err != nil || !slices.Equal(got["port"], []string{"22"}) {
		t.Errorf("%v, %v", got["port"], err)
	}
	t.Setenv("PATH", t.TempDir())
	if _, err = ResolveSSHConfig(t.Context(), "", "x"); !errors.Is(err, ErrNoSSH) {
		t.Errorf("no ssh: %v", err)
	}
}

// TestWireHoldsSmallWrites: window adjustments go with the next request, in order, and do not wait for ever.
func TestWireHoldsSmallWrites(t *testing.T) {
	near, far := net.Pipe()
	defer near.Close()
	got := make(chan string, 10)
	go func() {
		b := make([]byte, 4096)
		for {
			n, err := far.Read(b)
			if err != nil {
				return
			}
			got <- string(b[:n])
		}
	}()
	w := newWire(near, nil)
	write := func(s string) {
		if _, err := w.Write([]byte(s)); err != nil {
			t.Fatal(err)
		}
	}
	write("before")
	if s := <-got; s != "before" {
		t.Error(s)
	}
	w.beThrifty()
	write("small")
	write(strings.Repeat("L", 100))
	if s := <-got; s != "small"+strings.Repeat("L", 100) {
		t.Errorf("%q", s)
	}
	for range smallWrites {
		write("x")
	}
	write("y")
	if s := <-got; s != strings.Repeat("x", smallWrites)+"y" {
		t.Errorf("%q", s)
	}
	write("z")
	if s := <-got; s != "z" { // by itself, after a moment
		t.Errorf("%q", s)
	}
	done := w.hurry()
	write("now")
	done()
	if s := <-got; s != "now" {
		t.Errorf("%q", s)
	}
	if _, sent, _ := w.counts(); sent != 6+5+100+smallWrites+1+1+3 {
		t.Errorf("%d bytes sent", sent)
	}
}

func TestPutVerdict(t *testing.T) {
	said := func(exit int, stderr string) answer {
		return answer{out: host.Output{Exit: exit, Stderr: []byte(stderr)}}
	}
	var exit *host.ExitError
	if err := putVerdict("/x", nil, said(0, "warnings"), nil); err != nil {
		t.Error(err)
	}
	if err := putVerdict("/x", nil, said(70, "\x1ebisc-put changed"), nil); !errors.Is(err, host.ErrChanged) {
		t.Error(err)
	}
	if err := putVerdict("/x", []string{"check"}, said(70, "line 3 is wrong\n\x1ebisc-put verify 2"), nil); !errors.As(err, &exit) || exit.Exit != 2 || !strings.Contains(err.Error(), "line 3 is wrong") {
		t.Error(err)
	}
	if err := putVerdict("/x", nil, said(70, "\x1ebisc-put fail write /x: full (file system at /)\n"), nil); err == nil || err.Error() != "put /x: write /x: full (file system at /)" {
		t.Error(err)
	}
	if err := putVerdict("/x", nil, said(70, "killed"), nil); !errors.As(err, &exit) {
		t.Error(err)
	}
}
