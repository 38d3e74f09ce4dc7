package host

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// readOnly lists what a Query may run: a program, and what its arguments must look like to be harmless. A program is
// named without its folder; where it lies is the host's affair.
var readOnly = map[string]func(args []string) bool{
	"blkid":       only("-p", "-o", "export", "value", "full", "-s", "-c", "/dev/null", "--"),
	"blockdev":    anyOf("--getsize64", "--getss", "--getro"),
	"dpkg-query":  anyOf("-W", "--show", "-s", "--status", "-l", "--list"),
	"apt-mark":    anyOf("showhold"),
	"rpm":         anyOf("-q"),
	"findmnt":     free,
	"getent":      free,
	"hostname":    none,
	"id":          free,
	"lsblk":       free,
	"lsmod":       none,
	"modinfo":     free,
	"sysctl":      anyOf("-n", "-N"),
	"systemctl":   anyOf("show", "cat", "is-enabled", "is-active", "is-failed", "list-units", "list-unit-files", "list-dependencies"),
	"uname":       free,
	"wipefs":      anyOf("--no-act", "-n"),
	"zfs":         anyOf("get", "list"),
	"zpool":       anyOf("get", "list", "status"),
	"who":         free,
	"sha256sum":   free,
	"true":        free,
	"docker":      anyOf("inspect", "ps", "version", "info"),
	"needrestart": anyOf("-b"),
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

func free([]string) bool      { return true }
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
