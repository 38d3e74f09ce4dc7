package main

import (
	"testing"
	"time"

	"bisc/layers"
)

// A hold with a typing error would hold nothing, and say that it does.
func TestHoldCoversSomething(t *testing.T) {
	addresses := []string{"a:storage.mount[/srv]", "a:wipe/first.command[x]", "b:units.service[docker.service]"}
	for _, c := range []struct{ match, refused string }{
		{"*", ""},
		{"storage.*", ""},
		{"storage.mount[/srv]", ""},
		{"a:storage.mount[/srv]", ""},
		{"wipe/*", ""},
		{"storage.mount[/srw]", `--match "storage.mount[/srw]" covers nothing of a in the plan; did you mean storage.mount[/srv]?`},
		{"units.service[docker.service]", `--match "units.service[docker.service]" covers nothing of a in the plan; bisc graph lists what there is`},
		{"b:*", `--match "b:*" covers nothing of a in the plan; bisc graph lists what there is`},
		{"", `--match "" covers nothing of a in the plan; bisc graph lists what there is`},
	} {
		said := ""
		if err := coversSomething(layers.Hold{Match: c.match, Since: time.Now()}, "a", addresses); err != nil {
			said = err.Error()
		}
		if said != c.refused {
			t.Errorf("%q: %q, want %q", c.match, said, c.refused)
		}
	}
}
