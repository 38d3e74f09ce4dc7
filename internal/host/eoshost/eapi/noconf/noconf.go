// Package noconf keeps goeapi from reading ~/.eapi.conf.
//
// goeapi v1.0.0 opens that file when it is imported, before main runs, and whoever wrote the file can end the program there: a
// section without a colon in its name is an index out of range, and a FIFO is waited for for ever. Nothing but the variable
// EAPI_CONF names another file. So it names an empty one while goeapi is initialised: Go initialises packages in the order of
// their import paths (since 1.21, once all that they import is there), this one imports only os, and "bisc/" sorts before
// "github.com/". It is the one package of bisc that does something by being imported.
package noconf

import "os"

const name = "EAPI_CONF"

var was, wasSet = hide()

func hide() (string, bool) {
	was, set := os.LookupEnv(name)
	_ = os.Setenv(name, os.DevNull) // fails only for a name with "=" or NUL in it
	return was, set
}

// Restore puts the variable back as it was, for the programs that bisc starts. It is true, so that a package can call it as it
// is initialised, which is after goeapi's if it imports both.
func Restore() bool {
	if !wasSet {
		return os.Unsetenv(name) == nil
	}
	return os.Setenv(name, was) == nil
}
