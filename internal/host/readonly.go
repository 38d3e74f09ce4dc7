package host

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// readOnly lists what a Query may run: a program, and what its arguments must look like to be harmless. A program is
// named without its folder; where it lies is the host's affair.
// What is not asked by any kind is not on it.
var readOnly = map[string]func(args []string) bool{
	"apt-config":     func(args []string) bool { return slices.Equal(args, []string{"dump"}) },
	"blkid":          only("-p", "-o", "export", "--"), // without -p it may write its cache
	"blockdev":       only("--getsize64"),              // it takes several commands at once, --setro among them
	"dpkg-query":     anyOf("-W", "-S"),
	"getent":         free,
	"id":             free,
	"iptables-save":  none, // without -M, which names a program to run
	"ip6tables-save": none,
	"modinfo":        free,
	"ss":             only("-H", "-l", "-n", "-t", "-u", "-p"), // -K closes sockets, -D writes a file
	"systemctl":      anyOf("show"),
	"true":           free,
	"uname":          free,
	"zfs":            anyOf("get", "list", "version"),
	"zpool":          anyOf("get", "list"),
}

// ReadOnly tells whether a Query may run argv; the error says why not. Constant readings (reading.go) pass, whatever
// their arguments.
func ReadOnly(argv []string) error {
	if len(argv) == 0 {
		return fmt.Errorf("%w: empty command", ErrNotReadOnly)
	}
	if isReading(argv) {
		return nil
	}
	allowed, ok := readOnly[path.Base(argv[0])]
	if !ok || strings.Contains(argv[0], "/") || !allowed(argv[1:]) {
		return fmt.Errorf("%w: %s", ErrNotReadOnly, Quote(argv...))
	}
	return nil
}

func free([]string) bool { return true }

func none(args []string) bool { return len(args) == 0 }

// anyOf wants the first argument, the subcommand, to be one of those.
func anyOf(first ...string) func([]string) bool {
	return func(args []string) bool { return len(args) > 0 && slices.Contains(first, args[0]) }
}

// only wants every option to be one of those; operands are free.
func only(words ...string) func([]string) bool {
	return func(args []string) bool {
		for _, a := range args {
			if strings.HasPrefix(a, "-") && !slices.Contains(words, a) {
				return false
			}
		}
		return true
	}
}
