package sshhost

import (
	"bisc/internal/host"
)

// What shell.sh's programs answer is what any shell's would: eoshost asks the Linux of a switch, where none of this package's far
// ends runs, by the same ones.

// BareStat reads the output of bisc_stat (see withMountID) and the mount table that was read beside it.
func BareStat(name string, raw, mountinfo []byte) (host.Stat, error) {
	a := withMountID(answer{out: host.Output{Stdout: raw}}, answer{out: host.Output{Stdout: mountinfo}})
	return parseStat(name, a.file)
}

// BareError is the error of a file operation, by what a program wrote on stderr: fs.ErrNotExist, host.ErrNotListening and their
// like where its last words say so.
func BareError(verb, name string, stderr []byte) error {
	return fileError(verb, name, shellErrno(stderr))
}

// BarePage reads what came over the wire: the answer to one GET, whole.
func BarePage(raw []byte) (host.Response, error) { return parsePage(raw) }
