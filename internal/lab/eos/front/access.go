package front

// Access is what the device lets in: each is unknown of the real switches or may be switched off there, so a driver has to probe it.
type Access struct {
	// SFTP offers the sftp subsystem [U]; SCP runs `scp -t` and `scp -f` (netmiko copies so to /mnt/flash [V]).
	SFTP, SCP bool
	// TCP and StreamLocal are forwarding to a TCP port and to a unix socket [U].
	TCP, StreamLocal bool
	// ShellPrivileged and ExecPrivileged: a terminal, a single command begins at # and not at > (`aaa authorization exec`; the real
	// two begin at > [I]).
	ShellPrivileged, ExecPrivileged bool
	// ExecLines: a single command may be several lines [U].
	ExecLines bool
	// BashLogin: the user's login shell is bash: what exec is given goes to bash and not to the CLI [I].
	BashLogin bool
	// MaxSessions on one connection, as sshd's [V: its default is 10].
	MaxSessions int
}

// DefaultAccess is the switch as it is believed to be.
func DefaultAccess() Access {
	return Access{SFTP: true, SCP: true, TCP: true, StreamLocal: true, MaxSessions: 10}
}
