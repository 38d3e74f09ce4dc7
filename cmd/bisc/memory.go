package main

import (
	"os"
	"runtime/debug"
)

// beSmall bounds the heap by the number of hosts. Each of some thousand questions waits on a stack of its own, all at
// once; the collector counts those as live and would let the heap grow to twice their size. Above the limit it works
// harder, while the network is what is waited for.
func beSmall(hosts int) {
	if os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetGCPercent(50)
		debug.SetMemoryLimit(int64(16+16*hosts) << 20)
	}
}
