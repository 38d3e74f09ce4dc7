package modules

import (
	"strings"
	"testing"
)

func TestID(t *testing.T) {
	var id ID
	if err := id.UnmarshalText([]byte("1000")); err != nil || id != (ID{Set: true, N: 1000}) {
		t.Error(id, err)
	}
	for _, bad := range []string{"solana", "", "-1", "1.5", "4294967296"} {
		if err := id.UnmarshalText([]byte(bad)); err == nil || !strings.Contains(err.Error(), "names are refused") {
			t.Errorf("%q (incident 16): %v", bad, err)
		}
	}
}
