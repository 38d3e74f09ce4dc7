package standin

import (
	"slices"
	"testing"
)

func TestSizes(t *testing.T) {
	for text, want := range map[string]int64{"4T": 4 << 40, "4TB": 4 << 40, "4tib": 4 << 40, "600GiB": 600 << 30, "1.5G": 3 << 29, "512": 512, "0": 0, "8K": 8192} {
		if got, err := parseSize(text); got != want || err != nil {
			t.Errorf("parseSize(%q) = %d, %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "G", "-1", "4X", "4TT", "4iB", "99999999P", "10M1"} {
		if got, err := parseSize(text); err == nil {
			t.Errorf("parseSize(%q) = %d, want an error", text, got)
		}
	}
	for n, want := range map[int64]string{0: "0B", 512: "512B", 1024: "1K", 4 << 40: "4T", 3 << 29: "1.50G", 10<<20 + 10<<15: "10.3M", 1<<40 - 24<<10: "1024G", 992 << 30: "992G"} {
		if got := nice(n); got != want {
			t.Errorf("nice(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestGetopt(t *testing.T) {
	opts, words, err := getopt([]string{"-Hpo", "name,value", "all", "-t", "volume", "tank", "-ox", "--", "-r"}, "Hpro:t:")
	if err != nil || !opts.has('H') || !opts.has('p') || opts.has('r') || opts.last('t', "") != "volume" {
		t.Fatalf("%v, %v", opts, err)
	}
	if got := opts.list('o'); !slices.Equal(got, []string{"name", "value", "x"}) {
		t.Errorf("-o is %q", got)
	}
	if !slices.Equal(words, []string{"all", "tank", "-r"}) {
		t.Errorf("words are %q", words)
	}
	for _, args := range [][]string{{"-z"}, {"-o"}, {"-:"}} {
		if _, _, err := getopt(args, "o:"); err == nil {
			t.Errorf("%q: no error", args)
		}
	}
}
