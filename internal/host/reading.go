package host

import (
	"slices"
	"strconv"
	"time"
)

// Reading is a constant shell text that only reads, for what no single program tells. Its values arrive as positional
// parameters. Query runs nothing else through a shell.
type Reading struct {
	Name string
	Text string
	// Dials: it opens connections to where its values say. A reader's key, which makes nobody's proxy of the host, does not run it.
	Dials bool
}

// Argv is the question to give to Query.
func (r Reading) Argv(args ...string) []string {
	return append([]string{"sh", "-c", r.Text, r.Name}, args...)
}

// readings is every Reading there is: what is not listed here cannot be run by a Query.
var readings = []Reading{Uses, Validators, StopClosure, Blankness, Busy, NftRules, DockerNetwork, Jobs, GitState, FileEnd, IPEcho, LedgerSlots, NodeImages, AwaitEnd, Kubelet, Homes}

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

// Validators lists the processes that are or may be a validator: "PID COMM START STATE WHY..." a line, where START is in ticks since
// boot and STATE is running, exiting or stuck; after a stuck one "PID/TID COMM START STATE waits WHERE SECONDS FUNCTIONS..." of its
// first threads that stand still. Its values are the process table's folder (none: /proc) and for how many seconds threads without
// progress are watched (none: they are not, and nothing is called stuck). It exits 3 when it could not look.
var Validators = Reading{Name: "validators", Text: validatorsText}

// StuckAfter is for how long a thread must stand at one place, without a tick of time and without being woken, to be called stuck. A
// healthy validator's threads stand in D for milliseconds; the watching ends when all have moved.
const StuckAfter = 3 * time.Second

// WatchValidators is the question that finds stuck ones too.
func WatchValidators() []string {
	return Validators.Argv("/proc", strconv.Itoa(int(StuckAfter/time.Second)))
}

// Homes tells whose each process of a validator is: which pod's and container's by its mounts, and which control group's; and by what it
// can be asked to exit. Its value is a kind node's name, whose kubelet's pods are marked. It exits 3 when it could not look.
var Homes = Reading{Name: "homes", Text: homesText}

// StopClosure lists the units that stopping the units given would stop too (RequiredBy, RequisiteOf, BoundBy, ConsistsOf,
// PropagatesStopTo, followed to the end), those given included, one a line. It exits 3 when systemd does not answer.
var StopClosure = Reading{Name: "stop-closure", Text: stopClosureText}

// IPEcho asks a Solana entrypoint, by its ip_echo, as which address it sees the host, and has it try ports of it. Its values are the
// process in whose network it is done (none: the host's own), the entrypoint's name and port, TCP ports and UDP ports (a comma between,
// at most four each), and for how many seconds. It prints "entrypoint ADDRESS", "seen ADDRESS", "shred_version N", "tcp PORT" and
// "udp PORT" of those that were reached, "busy tcp PORT" of those that somebody holds (they are not tried), "silent WHY" where the
// entrypoint gave no answer, and "no entrypoint WHY" where there is none by that name. It exits 3 where it could not look.
var IPEcho = Reading{Name: "ip-echo", Text: ipEchoText, Dials: true}

// NftRules is nft's whole ruleset as JSON. It exits 127 where there is no nft. It loads the kernel's nf_tables where that is a
// module: ask only where it is there already. It is no Query, since nft takes any command in any of its words.
var NftRules = Reading{Name: "nft-rules", Text: nftRulesText}

// DockerNetwork is what docker tells of the network with this name, as JSON: its bridge, and who is in it at which address.
var DockerNetwork = Reading{Name: "docker-network", Text: dockerNetworkText}

// Jobs tells of bisc's detached jobs with these ids, or of all: see package modules/job. It exits 3 when it could not look.
var Jobs = Reading{Name: "jobs", Text: jobsText}

// FileEnd is the last 64 KiB of a file, for logs that are too large to be read whole. It fails where there is no plain file.
var FileEnd = Reading{Name: "file-end", Text: fileEndText}

// LedgerSlots tells of the newest slots of a running validator's ledger which are complete, and each one's parent, by the ledger
// tool beside the validator (see its text). It is asked for by complete_run.
var LedgerSlots = Reading{Name: "ledger-slots", Text: ledgerSlotsText}

// NodeImages lists the images of a kind node's containerd, by the name of its container, as `crictl images -o json` does. It runs a
// program in a node, as only Kubelet does beside it: containerd's own store is a database that it keeps open, and nothing else tells ids. It
// exits 124 or 137 where the node does not answer, for the seconds that are its second value (none: 8).
var NodeImages = Reading{Name: "node-images", Text: nodeImagesText}

// AwaitEnd returns when one of some processes has ended ("ended PID"), or when the time is over: its values are for how many tenths of a
// second, and pid and start (ticks since boot) of each.
var AwaitEnd = Reading{Name: "await-end", Text: awaitEndText}

// Kubelet tells of the kubelet of a kind node, by the node's name, without docker and without the API (see its text). It asks the node's
// systemd by its own systemctl. It exits 3 when it could not look.
var Kubelet = Reading{Name: "kubelet", Text: kubeletText}

// Readings lists every Reading that a Query may run.
func Readings() []Reading { return slices.Clone(readings) }

// GitState tells of the repository at a path (the second word), as git sees it when the user who is the first word runs it (empty:
// whose the folder is); the third is a commit that may be wanted, or empty. A line each of "user", "head", "branch", "remote", "has
// COMMIT", "changed XY FILE", and after a line "patch" all that the working tree has beyond its commit, as a patch (see GitChanges);
// "large BYTES" where that is too much. Or one line: "none", "empty" or "other" where there is no repository. It writes nothing, the
// index neither (GIT_OPTIONAL_LOCKS=0). It exits 4 where there is no such user, 127 where there is no git.
var GitState = Reading{Name: "git-state", Text: gitAsText + gitStateText}

// GitAs is the beginning of a script that runs git as a user in a repository, as GitState does: "$1" is the user, "$2" the folder;
// it gives the functions g (git there), clean (any program as that user, in an environment of its own) and patch.
func GitAs() string { return gitAsText }
