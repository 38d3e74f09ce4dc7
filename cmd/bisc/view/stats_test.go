package view

import (
	"strings"
	"testing"
	"time"
)

func TestStats(t *testing.T) {
	var b strings.Builder
	err := Stats(&b, []HostStats{
		{"biscayne", 2, 3, 41, 20_480, 1_048_576, 812 * time.Millisecond, 1234 * time.Millisecond},
		{"mia-sw01\x1b[2J", 1, 12, 0, 900, 12, 90 * time.Millisecond, 95 * time.Second},
	})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "stats", map[string]string{"two hosts": b.String()}, []string{"two hosts"})
}
