package main

import (
	"io"
	"os"

	"golang.org/x/term"
)

// file is the stream as a file, if it is a terminal.
func terminal(w any) (*os.File, bool) {
	f, ok := w.(*os.File)
	return f, ok && term.IsTerminal(int(f.Fd()))
}

// color tells whether a stream wants colour.
func (c *command) color(w io.Writer) bool {
	_, ok := terminal(w)
	return ok && !c.flags.noColor && os.Getenv("TERM") != "dumb"
}

// width is a terminal's columns; 0 for anything else.
func (c *command) width(w io.Writer) int {
	f, ok := terminal(w)
	if !ok {
		return 0
	}
	columns, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return columns
}
