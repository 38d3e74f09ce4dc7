//go:build darwin || freebsd

package main

import "golang.org/x/sys/unix"

// How macOS and the BSDs name the requests for a terminal's settings.
const (
	getTermios = unix.TIOCGETA
	setTermios = unix.TIOCSETA
)
