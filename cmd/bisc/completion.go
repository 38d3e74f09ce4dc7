package main

import (
	"bytes"
	_ "embed" // of the shells' scripts
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"bisc/cmd/bisc/view"
	"bisc/layers"
)

// The scripts are bisc's own. Those that cobra makes evaluate the line that is being typed, complete nothing inside quotes,
// where an address belongs, and the one for bash needs a package more.
var (
	//go:embed shells/bisc.bash
	bashScript string
	//go:embed shells/bisc.zsh
	zshScript string
	//go:embed shells/bisc.fish
	fishScript string
)

func (c *command) completion() *cobra.Command {
	scripts := map[string]string{"bash": bashScript, "zsh": zshScript, "fish": fishScript}
	return &cobra.Command{
		Use:   "completion bash|zsh|fish",
		Short: "print a completion script; addresses, hosts, variables and runbooks are completed from the plan",
		Long: "Hosts, addresses, layers, runbooks and variables are completed from the plan that --plans and --inventory name.\n" +
			"They are completed inside quotes too, and come out quoted where the shell needs it.",
		Example:   "  source <(bisc completion bash)                                  # bash: also in ~/.bashrc\n  source <(bisc completion zsh)                                   # zsh, after compinit\n  bisc completion fish >~/.config/fish/completions/bisc.fish",
		Args:      cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
		ValidArgs: []string{"bash", "zsh", "fish"},
		RunE: func(_ *cobra.Command, args []string) error {
			_, err := io.WriteString(c.out, scripts[args[0]])
			return err
		},
	}
}

// bashLine completes a line for bash: the directive of cobra, then what bash is to put in place of its own last word.
func (c *command) bashLine() *cobra.Command {
	return &cobra.Command{
		Use: "__line LINE BREAKS", Hidden: true, Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			words, last := splitLine(args[0], args[1])
			var out bytes.Buffer
			inner := &command{in: strings.NewReader(""), out: &out, errs: io.Discard}
			root := inner.root()
			root.SetOut(&out)
			root.SetErr(io.Discard)
			root.SetArgs(append([]string{cobra.ShellCompNoDescRequestCmd}, append(words[min(1, len(words)):], last.text)...))
			if err := root.ExecuteContext(cmd.Context()); err != nil {
				return err
			}
			lines := strings.Split(strings.TrimRight(out.String(), "\n"), "\n")
			directive, err := strconv.Atoi(strings.TrimPrefix(lines[len(lines)-1], ":"))
			if err != nil {
				return fmt.Errorf("completing: %w", err)
			}
			fmt.Fprintln(c.out, directive)
			for _, candidate := range lines[:len(lines)-1] {
				if reply, ok := last.reply(candidate); ok {
					fmt.Fprintln(c.out, reply)
				}
			}
			return nil
		},
	}
}

// completeAddresses offers the addresses of the plan that the flags on the line name.
func (c *command) completeAddresses(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	s, err := c.load()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	var out []string
	for _, st := range s.everyStage() {
		for _, it := range st.Items {
			if view.Clean(it.Address) == it.Address { // a line each
				out = append(out, it.Address)
			}
		}
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}

// completeHosts offers the hosts of the inventory that the line has not yet.
func (c *command) completeHosts(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	s, err := c.load()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	return slices.DeleteFunc(s.hostNames(), func(n string) bool { return slices.Contains(args, n) }), cobra.ShellCompDirectiveNoFileComp
}

// completeOneHost is completeHosts for a verb of one host.
func (c *command) completeOneHost(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return c.completeHosts(cmd, args, typed)
}

// completeVariables offers the variables of the plan, each with its =.
func (c *command) completeVariables(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	s, err := c.load()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	out := s.plan.VariableNames()
	for i := range out {
		out[i] += "="
	}
	return out, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

// completes gives the flags and arguments of a verb their values from the plan.
func (c *command) completes(cmd *cobra.Command) {
	offer := map[string]cobra.CompletionFunc{
		"layer":  cobra.FixedCompletions(layers.Names(), cobra.ShellCompDirectiveNoFileComp),
		"host":   c.completeHosts,
		"target": c.completeAddresses, "exclude": c.completeAddresses,
		"destroy": c.completeAddresses, "override": c.completeAddresses, "match": c.completeAddresses,
	}
	if cmd.Name() == "check" {
		offer["format"] = cobra.FixedCompletions(view.Formats(), cobra.ShellCompDirectiveNoFileComp)
	}
	for name, values := range offer {
		if cmd.Flags().Lookup(name) != nil {
			_ = cmd.RegisterFlagCompletionFunc(name, values) // fails only for a flag that is not there
		}
	}
	if cmd.ValidArgsFunction == nil && len(cmd.ValidArgs) == 0 {
		switch {
		case strings.Contains(cmd.Use, "[HOST...]"):
			cmd.ValidArgsFunction = c.completeHosts
		case strings.Contains(cmd.Use, "HOST"):
			cmd.ValidArgsFunction = c.completeOneHost
		}
	}
	for _, inner := range cmd.Commands() {
		c.completes(inner)
	}
}
