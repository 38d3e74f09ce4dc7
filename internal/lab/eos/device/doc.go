// Package device is the state of the emulated switch and its command line: what an Arista 7280R3 with EOS 4.34 does with the
// lines that bisc and the people around it type, as far as public evidence tells. There is no image of EOS that may be used
// here, so each behaviour names in a comment what it is anchored on: a fixture (../shared/fixtures/eos, by its path there), or
// eos.md with its tag ([I] inferred, [U] unknown; an unknown is a Flag that a test can turn).
//
// It shares no parsing, printing or diff code with bisc: a mistake in the one must not be hidden by the same mistake in the other.
//
// A Device is one switch; a Shell is one CLI context on it (an SSH shell, an exec, an eAPI request, the second manager).
package device
