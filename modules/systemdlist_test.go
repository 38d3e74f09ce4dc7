package modules

import (
	"slices"
	"testing"
)

func TestSystemdList(t *testing.T) {
	for text, want := range map[string][]string{
		"":                     nil,
		"a.service":            {"a.service"},
		"system.slice -.mount": {"system.slice", "-.mount"},
		`"srv-a\\x2db.mount"`:  {`srv-a\x2db.mount`},
		`a.service "b\\x2dc.mount" d.mount "/d/e\\x2df.d/1.conf"`: {"a.service", `b\x2dc.mount`, "d.mount", `/d/e\x2df.d/1.conf`},
		`"a b" "\"" "\$x" ""`:        {"a b", `"`, "$x", ""},
		"a.service\nb.service\n":     {"a.service", "b.service"},
		`srv-a\x2db.mount b.service`: {`srv-a\x2db.mount`, "b.service"},
	} {
		got, err := SystemdList(text)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: got %q, %v; want %q", text, got, err, want)
		}
	}
	for _, text := range []string{`"a`, `a "b`, `"a\"`, `"a"b`, `a"b"`, `it's`} {
		if got, err := SystemdList(text); err == nil {
			t.Errorf("%s passes as %q", text, got)
		}
	}
}
