package netns

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// space makes a namespace that ends with the test.
func space(t *testing.T, name string) string {
	t.Helper()
	if out, err := exec.Command("ip", "netns", "add", name).CombinedOutput(); err != nil {
		t.Fatalf("ip netns add %s: %v\n%s(the relay's tests need root)", name, err, out)
	}
	t.Cleanup(func() { exec.Command("ip", "netns", "del", name).Run() })
	return "/run/netns/" + name
}

// A socket opened inside belongs there: 127.0.0.1 of a new namespace is down, so a bind to its own interface list differs.
func TestDo(t *testing.T) {
	path := space(t, fmt.Sprintf("ns%d-do", os.Getpid()))
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	here, err := os.Readlink("/proc/thread-self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	var there string
	if err := s.Do(func() error { there, err = os.Readlink("/proc/thread-self/ns/net"); return err }); err != nil {
		t.Fatal(err)
	}
	if there == here || there != fmt.Sprintf("net:[%d]", s.ID().Inode) {
		t.Errorf("inside %s, outside %s, inode %d", there, here, s.ID().Inode)
	}
	for range 100 { // no thread that was inside serves others
		done := make(chan string)
		go func() { l, _ := os.Readlink("/proc/thread-self/ns/net"); done <- l }()
		if l := <-done; l != here {
			t.Fatalf("a goroutine outside is in %s", l)
		}
	}
}

// A namespace that was deleted and made again under the same path is another one; between the two there is none.
func TestReplaced(t *testing.T) {
	name := fmt.Sprintf("ns%d-re", os.Getpid())
	path := space(t, name)
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if same, err := s.Current(); !same || err != nil {
		t.Fatalf("unchanged: %v, %v", same, err)
	}
	if out, err := exec.Command("ip", "netns", "del", name).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if same, err := s.Current(); same || !errors.Is(err, unix.ENOENT) {
		t.Errorf("deleted: %v, %v", same, err)
	}
	space(t, name)
	if same, err := s.Current(); same || err != nil {
		t.Errorf("made again: same %v, %v", same, err)
	}
}

// What is no namespace is told at once and by name.
func TestOpenWrong(t *testing.T) {
	file := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{file, "/nonexistent/ns", "/proc/self"} {
		if s, err := Open(path); !errors.Is(err, unix.ENOENT) {
			t.Errorf("%s: %v", path, err)
			if s != nil {
				s.Close()
			}
		}
	}
}
