package modules

import (
	"path"
	"slices"
	"strings"

	"bisc/internal/host"
)

// Cut is a part of a host that the operator's own way in hangs on: what is wrong there keeps the next connection out, and
// with it the hand that could mend it.
type Cut struct {
	What string // "sshd", "the packet filter"
	// Files are paths; one that ends in / is a folder and all below it, one that begins with * a path's end.
	Files []string
	// Units read the files, or do what they say.
	Units []string
	// Programs change what the part is at once, whatever their arguments.
	Programs []string
}

// Cuts is the table of what can cut an operator off. A step that touches any of it is done behind a dead-man's switch.
// docs/operating.md shows it.
func Cuts() []Cut {
	return []Cut{
		{What: "sshd", Files: []string{"/etc/ssh/", "/etc/default/ssh", "/etc/sysconfig/sshd", "*/.ssh/authorized_keys", "*/.ssh/authorized_keys2"},
			Units: []string{"ssh.service", "ssh.socket", "sshd.service", "sshd.socket"}},
		{What: "the network's configuration", Files: []string{"/etc/network/", "/etc/systemd/network/", "/etc/netplan/", "/etc/NetworkManager/", "/etc/iproute2/", "/etc/dhcp/"},
			Units:    []string{"networking.service", "systemd-networkd.service", "systemd-networkd.socket", "NetworkManager.service"},
			Programs: []string{"ip", "ifup", "ifdown", "ifreload", "ifconfig", "route", "netplan", "networkctl", "nmcli", "bridge", "tc", "dhclient"}},
		{What: "the packet filter", Files: []string{"/etc/iptables/", "/etc/nftables.conf", "/etc/nftables/", "/etc/nftables.d/", "/etc/ufw/", "/etc/firewalld/", "/etc/fail2ban/"},
			Units: []string{"netfilter-persistent.service", "iptables.service", "nftables.service", "ufw.service", "firewalld.service", "fail2ban.service"},
			Programs: []string{"iptables", "ip6tables", "iptables-restore", "ip6tables-restore", "iptables-nft", "iptables-legacy", "nft", "ufw",
				"netfilter-persistent", "firewall-cmd", "ipset"}},
		{What: "who may connect", Files: []string{"/etc/hosts.allow", "/etc/hosts.deny"}},
		{What: "who may log in", Files: []string{"/etc/pam.d/", "/etc/pam.conf", "/etc/security/", "/etc/nsswitch.conf", "/etc/passwd", "/etc/shadow", "/etc/group",
			"/etc/gshadow", "/etc/shells", "/etc/nologin", "/etc/sssd/", "/etc/ldap/"}, Units: []string{"sssd.service", "nslcd.service"},
			Programs: []string{"usermod", "userdel", "groupmod", "groupdel", "gpasswd", "passwd", "chpasswd", "chsh", "chage", "vipw", "pam-auth-update"}},
		{What: "sudo", Files: []string{"/etc/sudoers", "/etc/sudoers.d/", "/etc/sudo.conf"}, Programs: []string{"visudo"}},
	}
}

// accounts are the files that the programs for users and groups write.
func accounts() []string { return []string{"/etc/passwd", "/etc/shadow", "/etc/group", "/etc/gshadow"} }

// CutsOff says what of the host's ways in a change's steps touch, and what a dead-man's switch has to put back; empty
// where none. It asks no host: files are those that the steps write, and conf those that the units read (globs of
// Cut.Files), whose kept copies tell how they were when the units last read them.
func CutsOff(steps []host.Step) (what []string, undo host.Undo) {
	for _, s := range steps {
		for _, c := range Cuts() {
			if c.touched(s, &undo) && !slices.Contains(what, c.What) {
				what = append(what, c.What)
			}
		}
		if key, ok := netSysctl(s); ok {
			if key != "" {
				undo.Sysctls = appendNew(undo.Sysctls, key)
			}
			addFile(s, &undo)
			what = appendNew(what, "the kernel's network settings")
		}
	}
	undo.Reason = strings.Join(what, ", ")
	return what, undo
}

// touched adds to undo what a step does to this part.
func (c Cut) touched(s host.Step, undo *host.Undo) bool {
	if name := written(s); name != "" {
		unit, isUnit := unitOf(name)
		switch {
		case c.covers(name):
			addFile(s, undo)
			for _, u := range c.readers(name) {
				undo.Units = appendNew(undo.Units, u)
			}
			return true
		case isUnit && slices.Contains(c.Units, unit):
			addFile(s, undo)
			undo.Units = appendNew(undo.Units, unit)
			return true
		}
		return false
	}
	if units, ok := jobOf(s); ok {
		units = slices.DeleteFunc(units, func(u string) bool { return !slices.Contains(c.Units, u) })
		if len(units) == 0 {
			return false
		}
		for _, u := range units {
			undo.Units = appendNew(undo.Units, u)
		}
		c.capture(undo)
		return true
	}
	script, ok := s.(host.Script)
	if !ok || len(script.Argv) == 0 || !slices.Contains(c.Programs, path.Base(script.Argv[0])) {
		return false
	}
	c.capture(undo)
	if c.What == "who may log in" {
		for _, name := range accounts() {
			undo.Files = append(undo.Files, host.UndoFile{Path: name})
		}
	}
	return true
}

// capture has the kernel's own state put back too, where the part is such.
func (c Cut) capture(undo *host.Undo) {
	switch c.What {
	case "the packet filter":
		undo.Firewall = true
	case "the network's configuration":
		undo.Routes = true
	}
}

// covers tells whether a path belongs to the part.
func (c Cut) covers(name string) bool {
	return slices.ContainsFunc(c.Files, func(f string) bool {
		end, isEnd := strings.CutPrefix(f, "*")
		return name == f || strings.HasSuffix(f, "/") && strings.HasPrefix(name, f) || isEnd && strings.HasSuffix(name, end)
	})
}

// readers are the units that a revert has to make read the file again, because they may have read it meanwhile. What only
// a (re)start reads is left: a revert that restarts the network to take back a file that nothing has read yet would be the
// greater harm. What is asked for each connection anew needs nobody.
func (c Cut) readers(name string) []string {
	if c.What == "sshd" && !strings.Contains(name, "/authorized_keys") {
		return []string{"ssh.service"}
	}
	return nil
}

// CutUnits are the parts of the host that a unit belongs to, as patterns of Cut.Files: what a job makes it read.
func CutUnits(units []string) []Cut {
	return slices.DeleteFunc(Cuts(), func(c Cut) bool {
		return !slices.ContainsFunc(units, func(u string) bool { return slices.Contains(c.Units, u) })
	})
}

// Covers tells whether a path belongs to the part.
func (c Cut) Covers(name string) bool { return c.covers(name) }

// InForce is the step that puts a file of this path in force, where that harms nobody: connections outlive sshd. A proof over a
// new connection would else prove the old configuration. It is a restart, whose end is sshd's word that it listens again: a
// reload is over once the signal is sent, and the next connection may still be taken by an sshd that has not read the file.
func InForce(name string) (host.Step, bool) {
	if name != "/etc/ssh/sshd_config" && path.Dir(name) != "/etc/ssh/sshd_config.d" {
		return nil, false
	}
	const unit = "ssh.service" // where there is only ssh.socket, each connection has an sshd of its own, and this does nothing
	guards := []host.Guard{host.SparesValidator(unit), host.StopsOnly(unit)}
	return host.Script{Argv: []string{"systemctl", "try-restart", "--", unit}, Guards: guards}, true
}

func written(s host.Step) string {
	switch s := s.(type) {
	case host.Put:
		return s.Path
	case host.Edit:
		return s.Path
	case host.Remove:
		return s.Path
	case host.Push:
		return s.Path
	}
	return ""
}

func addFile(s host.Step, undo *host.Undo) {
	name := written(s)
	if name != "" && !slices.ContainsFunc(undo.Files, func(f host.UndoFile) bool { return f.Path == name }) {
		undo.Files = append(undo.Files, host.UndoFile{Path: name})
	}
}

// unitOf is the unit whose file or drop-in has this path.
func unitOf(name string) (string, bool) {
	rest, ok := strings.CutPrefix(name, "/etc/systemd/system/")
	if !ok {
		return "", false
	}
	unit, _, _ := strings.Cut(rest, "/")
	return strings.TrimSuffix(unit, ".d"), true
}

// jobOf are the units that a step starts, stops, restarts, reloads, enables, disables or masks, named as a person may name
// them to systemctl(1) and service(8). A word that is no unit is none of a part's.
func jobOf(s host.Step) (units []string, ok bool) {
	switch s := s.(type) {
	case host.Job:
		return []string{s.Unit}, true
	case host.Script:
		if len(s.Argv) < 3 || path.Base(s.Argv[0]) != "systemctl" && path.Base(s.Argv[0]) != "service" {
			return nil, false
		}
		for _, word := range s.Argv[1:] {
			if !strings.Contains(word, ".") {
				word += ".service"
			}
			units = append(units, word)
		}
		return units, true
	}
	return nil, false
}

// netSysctl tells a step that sets a network key of sysctl, and the key of one that sets it now.
func netSysctl(s host.Step) (key string, ok bool) {
	switch s := s.(type) {
	case host.Script:
		if len(s.Argv) < 2 || path.Base(s.Argv[0]) != "sysctl" {
			return "", false
		}
		key, _, _ := strings.Cut(s.Argv[len(s.Argv)-1], "=")
		if key = dotless(key); strings.HasPrefix(key, "net/") {
			return key, true
		}
	case host.Put:
		if path.Dir(s.Path) != "/etc/sysctl.d" && s.Path != "/etc/sysctl.conf" {
			return "", false
		}
		for line := range strings.Lines(string(s.Content)) {
			if line = strings.TrimLeft(line, " \t-"); strings.HasPrefix(line, "net.") || strings.HasPrefix(line, "net/") {
				return "", true
			}
		}
	}
	return "", false
}

// dotless is a key as a path below /proc/sys: the separator that comes first is the separator (sysctl.d(5)).
func dotless(key string) string {
	if at := strings.IndexAny(key, "./"); at < 0 || key[at] == '/' {
		return key
	}
	return strings.NewReplacer(".", "/", "/", ".").Replace(key)
}

func appendNew(list []string, word string) []string {
	if slices.Contains(list, word) {
		return list
	}
	return append(list, word)
}
