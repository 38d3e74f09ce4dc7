package main

import "golang.org/x/sys/unix"

// undumped keeps bisc's memory, where secrets are, out of core files and from other processes of the same user. Programs
// that bisc starts are not touched by it: exec undoes it.
func undumped() { _ = unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0) } // fails on no kernel that there is
