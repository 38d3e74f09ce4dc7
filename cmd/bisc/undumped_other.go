//go:build !linux

package main

// undumped is for Linux alone.
func undumped() {}
