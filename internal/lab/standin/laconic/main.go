package laconic

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// program is one call.
type program struct {
	out, log io.Writer
	features Features
	faults   Faults
	stack    string
}

// usageError is click's refusal, with status 2.
type usageError string

func (e usageError) Error() string { return string(e) }

// Main runs laconic-so and returns its exit status.
func Main(args []string, out, log io.Writer) int {
	p := program{out: out, log: log}
	err := p.begin()
	if err == nil {
		err = p.run(args)
	}
	if err == nil {
		return 0
	}
	if usage := usageError(""); errors.As(err, &usage) {
		fmt.Fprintf(log, "Usage: laconic-so [OPTIONS] COMMAND [ARGS]...\nTry 'laconic-so --help' for help.\n\nError: %s\n", usage)
		return 2
	}
	fmt.Fprintln(log, "Traceback (most recent call last):\n ", err)
	return 1
}

func (p *program) begin() (err error) {
	if p.features, err = features(); err != nil {
		return err
	}
	p.faults, err = faults()
	return err
}

// line is a command's options and words.
type line struct {
	values map[string]string
	flags  []string
	words  []string
}

func (l line) has(flag string) bool { return slices.Contains(l.flags, flag) }

// read reads options until the first word, or all of them when words end no line: click's groups take options before the command's name.
func read(args []string, valued, flags []string, all bool) (l line, rest []string, err error) {
	l.values = map[string]string{}
	for i := 0; i < len(args); i++ {
		name, value, has := strings.Cut(args[i], "=")
		switch {
		case !strings.HasPrefix(name, "-") && !all:
			return l, args[i:], nil
		case !strings.HasPrefix(name, "-"):
			l.words = append(l.words, name)
		case slices.Contains(flags, name):
			l.flags = append(l.flags, name)
		case slices.Contains(valued, name) && has:
			l.values[name] = value
		case slices.Contains(valued, name) && i+1 < len(args):
			i++
			l.values[name] = args[i]
		case slices.Contains(valued, name):
			return l, nil, usageError("Option '" + name + "' requires an argument.")
		default:
			return l, nil, usageError("No such option: " + name)
		}
	}
	return l, nil, nil
}

func (p *program) run(args []string) error {
	top, rest, err := read(args, []string{"--stack"}, []string{"--verbose", "--quiet", "--debug", "--dry-run", "--help", "-h", "--continue-on-error", "--local-stack"}, false)
	if err != nil {
		return err
	}
	p.stack = top.values["--stack"]
	if top.has("--help") || top.has("-h") {
		fmt.Fprintln(p.out, "Usage: laconic-so [OPTIONS] COMMAND [ARGS]...\n\n  Laconic Stack Orchestrator\n\nCommands:\n  build-containers\n  deploy\n  deployment\n  version")
		return nil
	}
	if len(rest) == 0 {
		return usageError("Missing command.")
	}
	switch rest[0] {
	case "version":
		return p.version()
	case "deploy":
		return p.deploy(rest[1:])
	case "deployment":
		return p.deployment(rest[1:])
	}
	return usageError("No such command '" + rest[0] + "'.")
}

func (p *program) deploy(args []string) error {
	if len(args) == 0 || args[0] != "create" {
		return usageError("the stand-in has only: deploy create")
	}
	l, _, err := read(args[1:], []string{"--spec-file", "--deployment-dir"}, []string{"--update", "--help"}, true)
	if err != nil {
		return err
	}
	if len(l.words) > 0 {
		return usageError("Got unexpected extra argument (" + l.words[0] + ")")
	}
	if l.values["--spec-file"] == "" {
		return usageError("Missing option '--spec-file'.")
	}
	return p.create(l.values["--spec-file"], l.values["--deployment-dir"], l.has("--update"))
}

// management are the two flags of a pair; the pair's default is a feature.
func management() []string {
	return []string{"--skip-cluster-management", "--perform-cluster-management"}
}

func (p *program) deployment(args []string) error {
	group, rest, err := read(args, []string{"--dir"}, []string{"--help"}, false)
	if err != nil {
		return err
	}
	commands := []string{"down", "id", "ps", "restart", "start", "status", "stop", "up"}
	if p.features.Prepare {
		commands = append(commands, "prepare")
		slices.Sort(commands)
	}
	if group.has("--help") {
		fmt.Fprintln(p.out, "Usage: laconic-so deployment [OPTIONS] COMMAND [ARGS]...\n\n  manage a deployment\n\nOptions:\n  --dir TEXT  path to deployment directory  [required]\n\nCommands:\n  "+strings.Join(commands, "\n  "))
		return nil
	}
	if group.values["--dir"] == "" {
		return usageError("Missing option '--dir'.")
	}
	if len(rest) == 0 || !slices.Contains(commands, rest[0]) {
		return usageError(fmt.Sprintf("No such command %q.", strings.Join(rest, " ")))
	}
	l, _, err := read(rest[1:], []string{"--image-registry"}, append(management(), "--delete-volumes", "--preserve-volumes", "--stay-attached", "--detatch-terminal", "--help"), true)
	if err != nil {
		return err
	}
	if l.has("--help") {
		return p.commandHelp(rest[0])
	}
	d, err := p.open(group.values["--dir"])
	if err != nil {
		return err
	}
	manage := p.features.ManageCluster
	for _, f := range l.flags {
		switch f {
		case "--skip-cluster-management":
			manage = false
		case "--perform-cluster-management":
			manage = true
		}
	}
	switch rest[0] {
	case "start", "up":
		return d.start(manage, true)
	case "prepare":
		return d.start(manage, false)
	case "stop", "down":
		return d.stop(manage, l.has("--delete-volumes"))
	case "restart":
		return d.restart()
	case "id":
		fmt.Fprintln(p.out, d.id)
		return nil
	}
	return d.status()
}

func (p *program) commandHelp(name string) error {
	fmt.Fprintf(p.out, "Usage: laconic-so deployment %s [OPTIONS]\n\nOptions:\n", name)
	if name != "restart" && name != "ps" && name != "id" && name != "status" {
		fmt.Fprintln(p.out, "  --skip-cluster-management / --perform-cluster-management")
	}
	if name == "stop" || name == "down" {
		fmt.Fprintln(p.out, "  --delete-volumes / --preserve-volumes")
	}
	fmt.Fprintln(p.out, "  --help  Show this message and exit.")
	return nil
}
