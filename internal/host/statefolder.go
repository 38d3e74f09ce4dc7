package host

// LinuxState is where a Linux host keeps what outlives bisc: holds, which plan files were used, its record of the last runs.
const LinuxState = "/var/lib/bisc"

// StateFolder is where a host keeps that: where its transport knows another place (a switch loses everything but its flash at a
// reload), there. What a Writer puts below it is bisc's own record, and is never staged.
func StateFolder(r Reader) string {
	if k, ok := r.(interface{ StateFolder() string }); ok {
		return k.StateFolder()
	}
	return LinuxState
}

// StateFolder is that of the wrapped host.
func (m *Memo) StateFolder() string { return StateFolder(m.Reader) }
