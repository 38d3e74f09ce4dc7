package main

import "golang.org/x/sys/unix"

// How Linux names the requests for a terminal's settings.
const (
	getTermios = unix.TCGETS
	setTermios = unix.TCSETS
)
