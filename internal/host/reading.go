package host

import "slices"

// Reading is a constant shell text that only reads, for what no single program tells. Its values arrive as positional
// parameters. Query runs nothing else through a shell.
type Reading struct {
	Name string
	Text string
}

// Argv is the question to give to Query.
func (r Reading) Argv(args ...string) []string {
	return append([]string{"sh", "-c", r.Text, r.Name}, args...)
}

// readings is every Reading there is: what is not listed here cannot be run by a Query.
var readings = []Reading{Uses, Validators, StopClosure, Blankness, Busy, NftRules, DockerNetwork}

func isReading(argv []string) bool {
	if len(argv) < 4 || argv[0] != "sh" || argv[1] != "-c" {
		return false
	}
	for _, r := range readings {
		if argv[2] == r.Text && argv[3] == r.Name {
			return true
		}
	}
	return false
}

// Uses tells who uses the block devices given as major:minor: a line each of "mount DEV PID TARGET", for every mount
// namespace (one process each is named), "open DEV PID PATH", "swap DEV PATH" and "holder DEV NAME". It exits 3 when
// it could not look (not root, no /proc).
var Uses = Reading{Name: "uses", Text: usesText}

// Validators lists the processes that are or may be a validator: "PID COMM" a line. It exits 3 when it could not look.
var Validators = Reading{Name: "validators", Text: validatorsText}

// StopClosure lists the units that stopping the units given would stop too (RequiredBy, RequisiteOf, BoundBy, ConsistsOf,
// PropagatesStopTo, followed to the end), those given included, one a line. It exits 3 when systemd does not answer.
var StopClosure = Reading{Name: "stop-closure", Text: stopClosureText}

// NftRules is nft's whole ruleset as JSON. It exits 127 where there is no nft. It loads the kernel's nf_tables where that is a
// module: ask only where it is there already. It is no Query, since nft takes any command in any of its words.
var NftRules = Reading{Name: "nft-rules", Text: nftRulesText}

// DockerNetwork is what docker tells of the network with this name, as JSON: its bridge, and who is in it at which address.
var DockerNetwork = Reading{Name: "docker-network", Text: dockerNetworkText}

// Readings lists every Reading that a Query may run.
func Readings() []Reading { return slices.Clone(readings) }
