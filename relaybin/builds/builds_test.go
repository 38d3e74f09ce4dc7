package builds

import (
	"bytes"
	"strings"
	"testing"
	"testing/fstest"
)

func tree(files ...string) fstest.MapFS {
	out := fstest.MapFS{}
	for i := 0; i < len(files); i += 2 {
		out[files[i]] = &fstest.MapFile{Data: []byte(files[i+1])}
	}
	return out
}

// The digest changes with whatever could change a program, and with nothing else.
func TestSourceDigest(t *testing.T) {
	base := []string{"ring/a.go", "package ring", "ring/f.o", "\x7fELF", "cmd/x/main.go", "package main"}
	dirs := []string{"ring", "cmd/x"}
	of := func(files ...string) string {
		t.Helper()
		sum, err := SourceDigest(tree(files...), dirs)
		if err != nil {
			t.Fatal(err)
		}
		return sum
	}
	was := of(base...)
	with := func(more ...string) []string { return append(append([]string{}, base...), more...) }
	for name, files := range map[string][]string{
		"a test": with("ring/a_test.go", "package ring"), "a hidden file": with("ring/.x.go", "x", "ring/_x.go", "x"),
		"another folder": with("send/a.go", "package send"), "testdata": with("ring/testdata/x", "x"),
	} {
		if of(files...) != was {
			t.Errorf("%s changes the digest", name)
		}
	}
	for name, files := range map[string][]string{
		"a line": with("ring/a.go", "package ring\n"), "a new file": with("ring/b.go", "package ring"), "a new embedded file": with("ring/x.txt", "x"),
		"an object": with("ring/f.o", "\x7fELG"), "a moved border": with("ring/a.go", "package rin", "ring/b.go", "g"),
	} {
		if of(files...) == was {
			t.Errorf("%s does not change the digest", name)
		}
	}
	if _, err := SourceDigest(tree(base...), []string{"gone"}); err == nil || !strings.Contains(err.Error(), "gone") {
		t.Errorf("a folder that is not there: %v", err)
	}
}

// header is the beginning of an ELF file.
func header(class, order, machine byte) []byte {
	h := append([]byte("\x7fELF"), class, order, 1)
	h = append(h, bytes.Repeat([]byte{0}, 57)...)
	h[18] = machine
	return h
}

func TestTargets(t *testing.T) {
	for _, tt := range []struct {
		header   []byte
		target   string
		runs, no []string
		err      string
	}{
		{header: header(2, 1, 62), target: "64-bit x86_64", runs: []string{"x86_64"}, no: []string{"i686", "aarch64", "armv7l", ""}},
		{header: header(1, 1, 3), target: "32-bit i686", runs: []string{"x86_64", "i386", "i586", "i686"}, no: []string{"aarch64"}},
		{header: header(2, 1, 183), target: "64-bit aarch64", runs: []string{"aarch64"}, no: []string{"x86_64", "i686"}},
		{header: header(1, 1, 62), err: "ELFCLASS32, EM_X86_64"}, // x32
		{header: header(2, 2, 62), err: "byte order"},
		{header: header(2, 1, 40), err: "EM_ARM"},
		{header: []byte("#!/bin/sh\n" + strings.Repeat("x", 80)), err: "not an ELF"},
		{header: []byte("\x7fELF"), err: "not an ELF"},
		{header: nil, err: "not an ELF"},
	} {
		got, err := ReadTarget(tt.header)
		if tt.err != "" {
			if err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("%.20q: %v, want an error about %s", tt.header, err, tt.err)
			}
			continue
		}
		if err != nil || got.String() != tt.target {
			t.Errorf("got %v (%v), want %s", got, err, tt.target)
		}
		for _, m := range tt.runs {
			if why := got.Runs(m); why != "" {
				t.Error(why)
			}
		}
		for _, m := range tt.no {
			if why := got.Runs(m); !strings.Contains(why, "does not run") {
				t.Errorf("%s is said to run on %q", got, m)
			}
		}
	}
}

func TestPlatformOf(t *testing.T) {
	for machine, want := range map[string]string{"x86_64": "linux/amd64", "i686": "linux/386", "i586": "linux/386", "aarch64": "linux/arm64", "riscv64": "", "": ""} {
		got, err := PlatformOf(machine)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", machine, got, err)
		}
	}
}
