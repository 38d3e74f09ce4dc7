package main

import (
	"path/filepath"
	"testing"
)

// TestOurFilesAreFormatted: the plans and inventories that come with bisc are in the form that bisc fmt gives.
func TestOurFilesAreFormatted(t *testing.T) {
	t.Parallel()
	var files []string
	for _, pattern := range []string{"../../plans/*/*.bisc.hcl", "../../inventory/*.hcl"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: %d files, %v", pattern, len(found), err)
		}
		for _, f := range found {
			name, err := filepath.Abs(f)
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, name)
		}
	}
	newDesk(t).bisc(t, append([]string{"fmt", "--check"}, files...)...).wants(t, 0)
}
