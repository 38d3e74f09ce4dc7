package faults

import "testing"

// TestPowerCuts: the model finds what each missing sync loses, and nothing where none is missing.
func TestPowerCuts(t *testing.T) {
	const path, temp = "/d/f", "/d/t"
	write := []Act{{Kind: Create, Path: temp}, {Kind: Write, Path: temp, Data: "new content"}}
	syncFile, rename, syncFolder := Act{Kind: Sync, Path: temp}, Act{Kind: Rename, Path: temp, To: path}, Act{Kind: Sync, Path: "/d"}
	for _, c := range []struct {
		name       string
		acts       []Act
		torn, lost bool
	}{
		{"the whole order", append(write[:2:2], syncFile, rename, syncFolder), false, false},
		{"no sync of the file", append(write[:2:2], rename, syncFolder), true, true},
		{"no sync of the folder", append(write[:2:2], syncFile, rename), false, true},
		{"in a folder that is not synced", []Act{{Kind: Mkdir, Path: "/d"}, {Kind: Create, Path: path}, {Kind: Write, Path: path, Data: "new content"}, {Kind: Sync, Path: path}, {Kind: Sync, Path: "/d"}}, true, true},
		{"in place", []Act{{Kind: Cut, Path: path}, {Kind: Write, Path: path, Data: "new content"}, {Kind: Sync, Path: path}}, true, false},
	} {
		torn, lost := false, false
		PowerCuts(map[string]string{path: "old"}, c.acts, func(done int, files map[string]string) {
			got := files[path]
			torn = torn || got != "old" && got != "new content"
			lost = lost || done == len(c.acts) && got != "new content"
		})
		if torn != c.torn || lost != c.lost {
			t.Errorf("%s: torn %v, lost %v, want %v, %v", c.name, torn, lost, c.torn, c.lost)
		}
	}
}
