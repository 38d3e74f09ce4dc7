package storage

import (
	"strings"
	"testing"
)

func TestZpool(t *testing.T) {
	z := &Zpool{Pool: "p", MinFree: 1 << 30}
	wants(t, "in sync", z.decide(zpoolSeen{health: "ONLINE", free: 1 << 30}))
	wants(t, "missing", z.decide(zpoolSeen{missing: true}), "left health: (no such pool) -> ONLINE*")
	wants(t, "ailing", z.decide(zpoolSeen{health: "DEGRADED", free: 1 << 40}), "left health: DEGRADED -> ONLINE*")
	wants(t, "full", z.decide(zpoolSeen{health: "ONLINE", free: 1 << 29}), "left min_free: 512MiB -> 1GiB*")
	if got := faultsOf(t, &Zpool{Pool: "p/d"}); !strings.Contains(got, "no slash") {
		t.Error(got)
	}
}
