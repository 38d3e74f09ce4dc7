package main

import (
	"bytes"
	"path/filepath"
	"testing"
)

// TestOurFilesAreFormatted: the plans and inventories that come with bisc are in the form that bisc fmt gives.
func TestOurFilesAreFormatted(t *testing.T) {
	var files []string
	for _, pattern := range []string{"../../plans/*/*.bisc.hcl", "../../inventory/*.hcl"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: %d files, %v", pattern, len(found), err)
		}
		files = append(files, found...)
	}
	var out, errs bytes.Buffer
	if status := Main(t.Context(), append([]string{"fmt", "--check"}, files...), nil, &out, &errs); status != 0 {
		t.Errorf("exit %d; bisc fmt would change:\n%s%s", status, &out, &errs)
	}
}
