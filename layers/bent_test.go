package layers

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestFaultF16_BentPlanFiles: a plan file is taken as bisc wrote it, byte by byte, or not at all: each bit of it, each
// length, each other way to write the same JSON.
func TestFaultF16_BentPlanFiles(t *testing.T) {
	s, file := savedOf(t, newBench(map[string]string{"/a": "no", "/b": "no"},
		stage(Storage, item("a", &flag{path: "/a", want: "yes"}), item("b", &flag{path: "/b", want: "yes"}))))
	key := []byte("key")
	if _, err := Decode(file, key); err != nil {
		t.Fatalf("unaltered: %v", err)
	}
	refused := func(what string, bent []byte) {
		t.Helper()
		if bytes.Equal(bent, file) {
			t.Fatalf("%s: it is the same file", what)
		}
		if _, err := Decode(bent, key); !errors.Is(err, ErrAltered) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for i := range file {
		for bit := range 8 {
			bent := bytes.Clone(file)
			bent[i] ^= 1 << bit
			refused(fmt.Sprintf("bit %d of byte %d", bit, i), bent)
		}
		refused(fmt.Sprintf("cut at %d", i), file[:i])
		refused(fmt.Sprintf("without byte %d", i), append(bytes.Clone(file[:i]), file[i+1:]...))
	}
	var compact, wide bytes.Buffer
	var anything map[string]any
	if err := errors.Join(json.Compact(&compact, file), json.Indent(&wide, file, "", "\t"), json.Unmarshal(file, &anything)); err != nil {
		t.Fatal(err)
	}
	sorted, err := json.MarshalIndent(anything, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	text := string(file)
	for what, bent := range map[string]string{
		"compacted": compact.String(), "indented otherwise": wide.String(), "fields in another order": string(sorted) + "\n",
		"a space behind": text + " ", "a second document": text + text, "a byte order mark": "\xef\xbb\xbf" + text,
		"carriage returns":        strings.ReplaceAll(text, "\n", "\r\n"),
		"a field twice":           strings.Replace(text, `"plan":`, `"plan": "other",`+"\n  "+`"plan":`, 1),
		"a field that is unknown": strings.Replace(text, "{\n", "{\n  \"more\": true,\n", 1),
		"a field in capitals":     strings.Replace(text, `"plan"`, `"PLAN"`, 1),
		"an escape for a letter":  strings.Replace(text, `"plan"`, `"pl\u0061n"`, 1),
		"nothing":                 "", "null": "null", "a list": "[]", "not JSON": "plan",
	} {
		refused(what, []byte(bent))
	}
	if _, err := Decode(file, []byte("other")); !errors.Is(err, ErrAltered) {
		t.Errorf("another key: %v", err)
	}
	for _, version := range []int{0, SavedVersion - 1, SavedVersion + 1} {
		other := s
		other.FormatVersion = version
		b, err := other.Encode(key)
		if err != nil {
			t.Fatal(err)
		}
		refused(fmt.Sprintf("version %d, with a MAC that fits", version), b)
	}
	late := s
	late.Expires = time.Now().Add(-time.Second)
	b, err := late.Encode(key)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Decode(b, key); !errors.Is(err, ErrExpired) {
		t.Errorf("expired: %v", err)
	}
}

// TestFaultF17_Unaffected: what is stale holds back everything, or, where that is asked for, what may rest on it.
func TestFaultF17_Unaffected(t *testing.T) {
	for name, c := range map[string]struct {
		goOn bool
		want string
	}{
		"not asked for": {false, "not reached, stale, not reached, not reached"},
		"asked for":     {true, "drifted, stale, not reached, not reached"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(map[string]string{"/a": "no", "/b": "no", "/c": "no", "/d": "no"},
				stage(Storage, item("a", &flag{path: "/a", want: "yes"}), item("b", &flag{path: "/b", want: "yes"}), item("c", &flag{path: "/c", want: "yes"})),
				stage(Units, item("d", &flag{path: "/d", want: "yes"})))
			s := Save(ObserveAll(t.Context(), b.stages, b, Options{}), []byte("key"), "p", "plan", nil, time.Hour)
			b.Files["/b"] = "other"
			rep, err := s.Bind(ObserveAll(t.Context(), b.stages, b, Options{}), []byte("key"))
			if err != nil {
				t.Fatal(err)
			}
			if got := states(rep.Unaffected(c.goOn)); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}
