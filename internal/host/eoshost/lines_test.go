package eoshost

import (
	"testing"

	"bisc/internal/host"
)

// Two resources that write in one new section both bring its header; the switch's diff shows it once.
func TestWhatTwoBringComesOnce(t *testing.T) {
	under := []string{"interface Loopback9"}
	w := wanted{}
	w.add(host.Configure{Lines: []string{under[0], "description nine"}, Adds: []host.ConfigLine{{Line: under[0]}, {Under: under, Line: "description nine"}}})
	w.add(host.Configure{Lines: []string{under[0], "shutdown"}, Adds: []host.ConfigLine{{Line: under[0]}, {Under: under, Line: "shutdown"}}, Removes: []host.ConfigLine{{Under: under, Line: "description nine"}}})
	n := w.net()
	if len(w.lines) != 4 || n["interface Loopback9"] != 1 || n["interface Loopback9 / shutdown"] != 1 || n["interface Loopback9 / description nine"] != 0 {
		t.Errorf("%d lines typed, of which are: %v", len(w.lines), n)
	}
}
