package main

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// The test binary is also the program bisc, so that scripts and tests run the real main in a process of its own.
func TestMain(m *testing.M) {
	testscript.Main(endingLab{m}, map[string]func(){"bisc": main, "bisc-dying": dying})
}

// endingLab ends the shared lab after the tests.
type endingLab struct{ *testing.M }

func (m endingLab) Run() int {
	code := m.M.Run()
	if err := endFleet(); err != nil {
		println(err.Error())
		return max(code, 1)
	}
	return code
}
