// Package front is the emulated switch's faces: what of the device a wire reaches. An SSH server (a shell on a terminal, single
// commands, sftp, scp, forwarding) and eAPI (HTTPS, HTTP, a unix socket), over any number of CLI contexts of one device, and what
// may be wrong with the wire, settable while it runs.
//
// It knows no configuration and answers no command itself but those about the terminal: a line goes to a Shell, and what comes
// back is shown as EOS shows it. Each behaviour names where it was seen (eos.md's tags, a path below fixtures/eos) or says [I]
// (inferred) or [U] (unknown: a switch of Access).
package front
