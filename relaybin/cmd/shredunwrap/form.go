package main

// form is how a shred is wrapped. Forms never mix on one port.
type form int

const (
	formIP form = iota
	formSequenced
	forms
)

func (f form) String() string {
	if f == formIP {
		return "ip"
	}
	return "sequenced"
}
