package validator

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
)

const usage = "\nUSAGE:\n    agave-validator [FLAGS] [OPTIONS] --identity <KEYPAIR> --ledger <DIR> [SUBCOMMAND]\n\nFor more information try --help"

// unexpected is clap's refusal of an option, with a suggestion where another begins alike.
func unexpected(name string, known map[string]option) error {
	hint := ""
	if long, ok := strings.CutPrefix(name, "--"); ok {
		for _, other := range slices.Sorted(maps.Keys(known)) {
			if len(long) > 6 && strings.HasPrefix(other, long[:len(long)*2/3]) {
				hint = fmt.Sprintf("\n\tDid you mean --%s?\n", other)
				break
			}
		}
	}
	return fmt.Errorf("error: Found argument '%s' which wasn't expected, or isn't valid in this context%s\n%s", name, hint, usage)
}

// hidden are the flags that --help is silent about, as 3.1's is, unless the environment has SOLANA_NO_HIDDEN_CLI_ARGS.
func hidden() []string {
	if _, forced := os.LookupEnv("SOLANA_NO_HIDDEN_CLI_ARGS"); forced {
		return nil
	}
	return []string{"allow-private-addr", "gossip-host", "no-os-network-limits-test", "no-port-check", "no-wait-for-vote-to-start-leader"}
}

// help is laid out as clap 2 does it: flags, options, subcommands.
func help() string {
	known, silent := options(made()), hidden()
	var flags, valued strings.Builder
	for _, name := range slices.Sorted(maps.Keys(known)) {
		if slices.Contains(silent, name) {
			continue
		}
		o := known[name]
		short := "    "
		if o.short != "" {
			short = "-" + o.short + ", "
		}
		if o.value == "" {
			fmt.Fprintf(&flags, "    %s--%s\n            %s\n", short, o.name, o.help)
			continue
		}
		repeat := ""
		if slices.Contains([]string{"entrypoint", "known-validator", "account-index", "accounts", "authorized-voter"}, o.name) {
			repeat = "..."
		}
		fmt.Fprintf(&valued, "    %s--%s <%s>%s\n            %s\n", short, o.name, o.value, repeat, o.help)
	}
	return "agave-validator " + versionLine() + "\nBlockchain, Rebuilt for Scale\n\n" +
		"USAGE:\n    agave-validator [FLAGS] [OPTIONS] --identity <KEYPAIR> --ledger <DIR> [SUBCOMMAND]\n\nFLAGS:\n" + flags.String() +
		"    -h, --help\n            Prints help information\n    -V, --version\n            Prints version information\n\nOPTIONS:\n" + valued.String() +
		"\nSUBCOMMANDS:\n    contact-info    Display the validator's contact info\n    exit            Send an exit request to the validator\n    run             Run the validator\n"
}
