// Package config is the emulated switch's configuration: a tree, the grammar that decides what may stand in it, the form in
// which it is printed, the difference between two of them. It is the emulator's own and shares nothing with bisc's.
//
// The grammar is strict: it has what the two real switches, the doublezero agent and bisc's layer relay write (eos.md 1, C, D)
// and the vEOS of a recorded dialog, and refuses the rest with "Invalid input", so that a test fails when bisc sends a line that
// EOS does not have.
package config
