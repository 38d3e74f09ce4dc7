package fetch

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"bisc/hostbin/snapshots"
)

// TestMain is a small aria2c where the test says so in the environment: it takes a file in halves from two URLs, keeps a control
// file meanwhile, and has the real one's ways to end. aria2c 1.36.0 itself took the same arguments.
func TestMain(m *testing.M) {
	if how := os.Getenv("LAB_ARIA"); how != "" {
		if err := smallAria(how, os.Args[1:]); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func smallAria(how string, args []string) error {
	option := func(name string) string {
		for _, a := range args {
			if v, ok := strings.CutPrefix(a, "--"+name+"="); ok {
				return v
			}
		}
		return ""
	}
	var urls []string
	for _, a := range args {
		if strings.HasPrefix(a, "http") {
			urls = append(urls, a)
		}
	}
	name := filepath.Join(option("dir"), option("out"))
	if err := errors.Join(os.WriteFile(name+".aria2", []byte("control"), 0o644), os.WriteFile(os.Getenv("LAB_ARIA_ARGS"), []byte(strings.Join(args, "\n")), 0o644)); err != nil {
		return err
	}
	if how == "fails" {
		return errors.New("errorCode=3 Resource not found")
	}
	var body []byte
	half := int64(50 << 10)
	for i, url := range urls[:2] {
		req, err := http.NewRequest(http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", int64(i)*half, int64(i+1)*half-1+int64(i)<<40))
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		part, err := io.ReadAll(resp.Body)
		if err != nil {
			return err
		}
		body = append(body, part...)
	}
	switch how {
	case "damages": // pieces of two different files, as has been seen
		body[60<<10] ^= 1
	case "cuts":
		body = body[:70<<10]
	}
	if err := os.WriteFile(name, body, 0o644); err != nil || how == "leaves its control file" {
		return err
	}
	return os.Remove(name + ".aria2")
}

// aria2c is used where several sources serve one file with ranges, and never otherwise; what it leaves is looked at like any
// other download, and its failures end in one connection of our own.
func TestAria(t *testing.T) {
	for _, tt := range []struct {
		how            string
		ranges, mirror bool
		used, good     bool
	}{
		{"works", true, true, true, true}, {"works", false, true, false, true}, {"works", true, false, false, true},
		{"damages", true, true, true, false}, {"cuts", true, true, true, false}, {"fails", true, true, true, false}, {"leaves its control file", true, true, true, false},
	} { // good: it is what made the file
		t.Run(fmt.Sprintf("%s, ranges %t, mirror %t", tt.how, tt.ranges, tt.mirror), func(t *testing.T) {
			args := filepath.Join(t.TempDir(), "args")
			t.Setenv("LAB_ARIA", tt.how)
			t.Setenv("LAB_ARIA_ARGS", args)
			n, dir := startNetwork(t, 100_500), t.TempDir()
			for range 2 {
				n.add().serves(100*kb, full(100_400)).ranges = tt.ranges
			}
			if !tt.mirror {
				n.nodes[1].serves(100*kb, full(100_399))
			}
			o := order(t, dir)
			o.Finding.Checks = 0
			o.Aria, o.Cap, o.From = os.Args[0], 50<<20, "127.0.0.1"
			_, said, err := n.run(t, o)
			line, _ := os.ReadFile(args)
			if used := len(line) > 0; used != tt.used {
				t.Fatalf("used %t, want %t: %v\n%s", used, tt.used, err, said)
			}
			if failed := strings.Contains(said, " from http"); err != nil || tt.used && failed == tt.good {
				t.Fatalf("%v\n%s", err, said)
			}
			if tt.mirror {
				lies(t, dir, full(100_400))
			}
			if words := strings.Split(string(line), "\n"); tt.used {
				for _, want := range []string{"--continue=false", "--no-conf=true", "--max-overall-download-limit=" + strconv.Itoa(50<<20), "--interface=127.0.0.1", "--split=32", "--out=" + snapshots.Partial(full(100_400))} {
					if !slices.Contains(words, want) {
						t.Errorf("%q lacks %s", words, want)
					}
				}
			}
		})
	}
}

// What aria2c leaves has the length that was said, or it goes: an lz4 archive that is cut between two frames passes every look.
func TestAriaCutsBetweenFrames(t *testing.T) {
	t.Setenv("LAB_ARIA", "cuts")
	t.Setenv("LAB_ARIA_ARGS", filepath.Join(t.TempDir(), "args"))
	n, dir := startNetwork(t, 100_500), t.TempDir()
	name := strings.Replace(full(100_400), "zst", "lz4", 1)
	first := frame(strings.Repeat("a", 70<<10-len(frame(""))))
	body := append(first, frame(strings.Repeat("b", 40<<10))...)
	if len(first) != 70<<10 {
		t.Fatal(len(first))
	}
	for range 2 {
		s := n.add()
		s.full, s.files[name], s.ranges = name, body, true
	}
	o := order(t, dir)
	o.Finding.Checks, o.Aria = 0, os.Args[0]
	_, said, err := n.run(t, o)
	if err != nil || !strings.Contains(said, "aria2c left 71680 bytes of") {
		t.Errorf("%v\n%s", err, said)
	}
	if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || !bytes.Equal(got, body) {
		t.Errorf("%d bytes of %d are in place: %v", len(got), len(body), err)
	}
}
