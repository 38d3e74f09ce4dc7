// Package units is the text of the systemd units under which the relay daemons run: what each may do, and nothing more. It is
// pure: bisc installs these texts, the daemons' tests run them.
package units

import (
	"fmt"
	"net/netip"
	"path"
	"slices"
	"strings"
)

// Places on a host.
const (
	Binaries = "/usr/local/lib/bisc/relay" // NAME
	Settings = "/etc/bisc/relay"           // NAME.conf
)

// Daemon is one relay daemon as it is to run on a host.
type Daemon struct {
	Name    string   // shredmirror, shredunwrap or shredmeter
	Sockets []Socket // shredunwrap: the ports that systemd holds
	Netns   string   // the network namespace that the daemon enters (its --netns), or empty: it needs rights for that
	Routes  bool     // shredmirror: it may install its route
	Program string   // where the binary lies; empty: Binaries/NAME
	Config  string   // where its settings lie; empty: Settings/NAME.conf
}

// Socket is a UDP port that systemd opens and keeps open while the daemon is away, so that what reaches the host meanwhile waits.
type Socket struct {
	Name   string         // what the daemon calls it: ip or sequenced
	Listen netip.AddrPort // IPv4
}

// Forms are the forms for which systemd can hold a port of a daemon's.
func Forms(daemon string) []string {
	if daemon != "shredunwrap" {
		return nil
	}
	return []string{"ip", "sequenced"}
}

// File is one unit file.
type File struct{ Name, Text string }

// Service is the name of the daemon's service unit.
func (d Daemon) Service() string { return "bisc-" + d.Name + ".service" }

// Socket is the name of the unit of one of its sockets.
func (d Daemon) Socket(s Socket) string { return "bisc-" + d.Name + "-" + s.Name + ".socket" }

// Files are the daemon's units, the sockets first, in a fixed order. An error names what of d cannot be.
func (d Daemon) Files() ([]File, error) {
	if err := d.check(); err != nil {
		return nil, err
	}
	var files []File
	for _, s := range d.Sockets {
		files = append(files, File{d.Socket(s), d.socket(s)})
	}
	return append(files, File{d.Service(), d.service()}), nil
}

func (d Daemon) check() error {
	if !slices.Contains([]string{"shredmirror", "shredunwrap", "shredmeter"}, d.Name) {
		return fmt.Errorf("relay daemon %q: want shredmirror, shredunwrap or shredmeter", d.Name)
	}
	if len(d.Sockets) > 0 && d.Name != "shredunwrap" {
		return fmt.Errorf("relay daemon %s takes no sockets from systemd", d.Name)
	}
	for _, s := range d.Sockets {
		if !slices.Contains(Forms(d.Name), s.Name) {
			return fmt.Errorf("socket %q of %s: want ip or sequenced", s.Name, d.Name)
		}
		if !s.Listen.Addr().Is4() || s.Listen.Port() == 0 {
			return fmt.Errorf("socket %s of %s listens on %s: want an IPv4 address and a port", s.Name, d.Name, s.Listen)
		}
	}
	for what, p := range map[string]string{"network namespace": d.Netns, "program": d.Program, "settings": d.Config} {
		if p != "" && (!path.IsAbs(p) || path.Clean(p) != p) {
			return fmt.Errorf("%s %q of %s: want a clean absolute path", what, p, d.Name)
		}
		if strings.ContainsAny(p, " \t\n\"'\\%$") { // would need systemd's quoting, and no such path is ours
			return fmt.Errorf("%s %q of %s: a character that systemd reads as its own", what, p, d.Name)
		}
	}
	return nil
}

// socket is the text of a socket unit. The address is bound twice: forbidden senders go to the second one, where they are
// counted and take no room (package recv). FreeBind, because a GRE tunnel's address comes later than sockets.target; no
// trigger limit, because one more start is always better than a closed port.
func (d Daemon) socket(s Socket) string {
	return fmt.Sprintf(`# Written by bisc.
[Unit]
Description=bisc relay: packets for %[1]s, form %[2]s

[Socket]
ListenDatagram=%[3]s
ListenDatagram=%[3]s
FileDescriptorName=%[2]s
ReusePort=yes
FreeBind=yes
ReceiveBuffer=64M
TriggerLimitIntervalSec=0
Service=%[4]s

[Install]
WantedBy=sockets.target
`, d.Name, s.Name, s.Listen, d.Service())
}
