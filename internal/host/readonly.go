package host

import (
	"fmt"
	"slices"
	"strings"
)

// Query is what a Query may run of one program: with which arguments it only reads.
type Query struct {
	// Program is named without its folder; where it lies is the host's affair.
	Program string
	// First is what the arguments must begin with one of: the subcommand, or the option without which it writes; several words
	// with blanks between are as many arguments. None: any.
	First []string
	// Options are the words with a "-" in front that may follow; one that ends in "=" stands for all that begin so.
	Options []string
	// Free: whatever follows is harmless.
	Free bool
	// Device: operands must be block devices where that can be seen, on the host. To open another device may be an act.
	Device bool
	// Bare: nothing follows.
	Bare bool
}

// Queries is the read-only list. What is not asked by any kind is not on it. A reader on a host has a copy of its own
// (sshhost.ReaderProgram).
func Queries() []Query {
	return []Query{
		{Program: "apt-config", First: []string{"dump"}, Bare: true},
		{Program: "blkid", First: []string{"-p"}, Options: []string{"-o", "--"}, Device: true}, // without -p it writes its cache, /run/blkid
		{Program: "blockdev", Options: []string{"--getsize64"}, Device: true},                  // it takes several commands at once, --setro among them
		// -L lists; -D, -U, -F and the -z that zeroes counters are options too, and are left out.
		{Program: "conntrack", First: []string{"-L"}, Options: []string{"-f", "-p", "--orig-src", "--orig-dst", "--orig-port-src", "--orig-port-dst"}},
		{Program: "df", Options: []string{"-P", "-k", "--"}},
		// Where the login may not open docker's socket. The options before the subcommand (-H, --config) name other daemons and programs.
		{Program: "docker", First: []string{"container inspect", "image inspect", "ps -a -q --no-trunc", "images -q --no-trunc", "info"}, Options: []string{"--", "--filter=label=", "--format="}},
		{Program: "dpkg-query", First: []string{"-W", "-S"}, Free: true},
		{Program: "firewall-cmd", First: []string{"--state", "--permanent", "--list-all-zones", "--list-all-policies"}, Options: []string{"--list-all-zones", "--list-all-policies"}},
		{Program: "getent", First: []string{"passwd", "group"}, Options: []string{"--"}}, // shadow is root's
		{Program: "id", Free: true},
		{Program: "iptables", First: []string{"--version"}, Bare: true}, // -S and -L would make the table
		{Program: "iptables-legacy-save", Bare: true},
		{Program: "iptables-nft-save", Bare: true},
		{Program: "ip", First: []string{"-j -d address show", "-j -N -4 route show", "-j -N -6 route show", "-j -N -4 route get", "-j -N -6 route get",
			"-j -N -4 rule show", "-j -N -6 rule show"}}, // no option may follow, and what does is a filter: -batch and -netns come first
		{Program: "iptables-save", Bare: true}, // without -M, which names a program to run
		{Program: "ip6tables-save", Bare: true},
		{Program: "modinfo", Free: true},
		{Program: "sha256sum", Options: []string{"--"}},                        // --check would read what a file names
		{Program: "ss", Options: []string{"-H", "-l", "-n", "-t", "-u", "-p"}}, // -K closes sockets, -D writes a file
		{Program: "systemctl", First: []string{"show"}, Options: []string{"-p", "--property=", "--timestamp=", "--"}}, // -H would go to another host
		{Program: "true", Free: true},
		{Program: "uname", Free: true},
		{Program: "zfs", First: []string{"get", "list", "version"}, Free: true},
		{Program: "zpool", First: []string{"get", "list"}, Free: true},
	}
}

// Pages is what a Get may ask for. To GET is to read by agreement only, and some programs' pages are secrets or acts (docker
// gives any file of a container, a debugging port whole memories): so it is these pages and no others, without a query,
// of addresses that are the host's own (the kernel says so: the question goes out from the address that it goes to), and
// of the sockets PageSockets. A reader on a host has a copy of this list and asks loopback addresses and the sockets
// alone, so that its key makes nobody's proxy of the host; redirections are followed by nobody.
func Pages() []string { return []string{"/metrics", "/healthz"} }

// PageSockets are the sockets that a Get may ask: of our own daemons, in a folder that is root's.
const PageSockets = "/run/bisc/*.sock"

// ReadOnly tells whether a Query may run argv; the error says why not. Constant readings (reading.go) pass, whatever
// their arguments.
func ReadOnly(argv []string) error {
	if len(argv) == 0 {
		return fmt.Errorf("%w: empty command", ErrNotReadOnly)
	}
	if isReading(argv) {
		return nil
	}
	for _, q := range Queries() {
		if q.Program == argv[0] && q.allows(argv[1:]) {
			return nil
		}
	}
	return fmt.Errorf("%w: %s", ErrNotReadOnly, Quote(argv...))
}

// allows judges the arguments; what only the host can tell (Device) is not judged here.
func (q Query) allows(args []string) bool {
	if len(q.First) > 0 {
		n := q.begins(args)
		if n == 0 {
			return false
		}
		args = args[n:]
	}
	if q.Free {
		return true
	}
	for _, a := range args {
		if q.Bare || strings.HasPrefix(a, "-") && !slices.ContainsFunc(q.Options, func(o string) bool { return a == o || strings.HasSuffix(o, "=") && strings.HasPrefix(a, o) }) {
			return false
		}
	}
	return true
}

// begins gives how many of the arguments are one of First; none: they begin otherwise.
func (q Query) begins(args []string) int {
	for _, f := range q.First {
		if words := strings.Fields(f); len(words) <= len(args) && slices.Equal(words, args[:len(words)]) {
			return len(words)
		}
	}
	return 0
}
