package validator

import (
	"fmt"
	"slices"
	"strings"
)

// commandLine is what agave-validator was called with.
type commandLine struct {
	args          []string
	values        map[string][]string // of options; a flag's is one empty text
	command       string              // exit, contact-info, ... or "" for the validator itself
	commandFlags  map[string]string
	help, version bool
}

// subcommands that the stand-in has, each with its flags and, after =, options; the real one has more.
func subcommands() map[string][]string {
	return map[string][]string{
		"run":          nil,
		"exit":         {"force", "no-wait-for-exit", "skip-health-check", "skip-new-snapshot-check", "wait-for-exit", "monitor", "min-idle-time=", "max-delinquent-stake="},
		"contact-info": {"output="},
	}
}

func (c commandLine) has(name string) bool { return len(c.values[name]) > 0 }

func (c commandLine) get(name, otherwise string) string {
	if v := c.values[name]; len(v) > 0 {
		return v[len(v)-1]
	}
	return otherwise
}

// ledger is the ledger's folder. Without the option it is the folder named ledger.
func (c commandLine) ledger() string { return c.get("ledger", "ledger") }

// parse reads a command line as clap 2 does: options of the top before a subcommand, its own after it. An error is worded as clap
// words it, with status 1.
func parse(args []string) (commandLine, error) {
	c := commandLine{args: args, values: map[string][]string{}, commandFlags: map[string]string{}}
	known := options(made())
	for i := 0; i < len(args); i++ {
		name, value, hasValue := strings.Cut(args[i], "=")
		switch {
		case name == "--help" || name == "-h":
			c.help = true
			return c, nil
		case name == "--version" || name == "-V":
			c.version = true
			return c, nil
		case !strings.HasPrefix(name, "-"):
			return c, c.subcommand(args[i:])
		}
		o, ok := find(known, name)
		if !ok {
			return c, unexpected(name, known)
		}
		if o.value != "" && !hasValue {
			if i++; i == len(args) {
				return c, fmt.Errorf("error: The argument '--%s <%s>' requires a value but none was supplied\n%s", o.name, o.value, usage)
			}
			value = args[i]
		}
		c.values[o.name] = append(c.values[o.name], value)
	}
	return c, c.conflicts()
}

func find(known map[string]option, name string) (option, bool) {
	if long, ok := strings.CutPrefix(name, "--"); ok {
		o, ok := known[long]
		return o, ok
	}
	o, ok := known[shorts()[strings.TrimPrefix(name, "-")]]
	return o, ok
}

// conflicts are the pairs that 3.1 refuses and the start scripts have met.
func (c commandLine) conflicts() error {
	for _, pair := range [][2]string{
		{"private-rpc", "public-rpc-address"},
		{"no-snapshots", "full-snapshot-interval-slots"}, {"no-snapshots", "snapshot-interval-slots"}, {"no-snapshots", "no-incremental-snapshots"},
		{"vote-account", "no-voting"},
	} {
		if c.has(pair[0]) && c.has(pair[1]) {
			return fmt.Errorf("error: The argument '--%s' cannot be used with '--%s'\n%s", pair[0], pair[1], usage)
		}
	}
	return nil
}

func (c *commandLine) subcommand(args []string) error {
	known, ok := subcommands()[args[0]]
	if !ok {
		return fmt.Errorf("error: Found argument '%s' which wasn't expected, or isn't valid in this context\n%s", args[0], usage)
	}
	c.command = args[0]
	for rest := args[1:]; len(rest) > 0; rest = rest[1:] {
		name, value, hasValue := strings.Cut(rest[0], "=")
		name = strings.TrimPrefix(name, "--")
		switch {
		case name == "-f":
			name = "force"
			fallthrough
		case slices.Contains(known, name):
			c.commandFlags[name] = ""
		case slices.Contains(known, name+"=") && (hasValue || len(rest) > 1):
			if !hasValue {
				value, rest = rest[1], rest[1:]
			}
			c.commandFlags[name] = value
		default:
			return fmt.Errorf("error: Found argument '%s' which wasn't expected, or isn't valid in this context\n%s", rest[0], usage)
		}
	}
	return nil
}
