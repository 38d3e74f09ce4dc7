// Package faults breaks what bisc stands on and looks at what is left: the network, the disk, the processes (the nemesis),
// and the invariants that must hold whatever broke (the checker; reference/executors.md D.3 gives them their numbers).
// docs/faults.md lists every fault, its test, and what it taught. The tests are beside the code that they break.
package faults
