package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"bisc/hostbin/snapshots"
	"bisc/modules/agave"
	"bisc/modules/job"
)

func (c *command) snapshot() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "snapshot",
		Short: "find, fetch and prune a validator's snapshots on its host",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(c.snapshotFind(), c.snapshotFetch(), c.snapshotPrune())
	return cmd
}

// sourcing is what find and fetch take, as the program on the host does.
type sourcing struct {
	rpc, behind, minSpeed, latency, version, known, from, bandwidth string
	shredVersion                                                    int
	detach                                                          bool
	limit                                                           time.Duration
}

func (f *sourcing) flags(c *command, cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.StringVar(&f.rpc, "cluster-rpc", "", "URL of an RPC of the cluster, asked from the host (default: that of the host's snapshot in the plan)")
	fl.StringVar(&f.behind, "max-behind", "", "how far behind the cluster a pair may be, in slots or time: 20000, 2h (default: that of the plan, or 20000)")
	fl.StringVar(&f.minSpeed, "min-speed", "20MiB", "bytes a second that a source has to give; the fastest is taken in any case")
	fl.StringVar(&f.latency, "max-latency", "", "how long a source may take to answer (default: as long as a probe waits)")
	fl.StringVar(&f.version, "version-prefix", "", "only sources whose version begins so")
	fl.IntVar(&f.shredVersion, "shred-version", 0, "only sources with this shred version")
	fl.StringVar(&f.known, "known", "", "only sources with these identities, with commas between")
	fl.StringVar(&f.from, "leave-by", "", "the host's address or network interface that everything leaves by")
	fl.StringVar(&f.bandwidth, "bandwidth", "", "bytes a second that all downloads take together (default: no limit)")
	fl.BoolVar(&f.detach, "detach", false, "start it and leave; the same command again finds it")
	fl.BoolVar(&c.flags.json, "json", false, "as JSON")
}

// argv is the program's, for a host: what no flag says is the plan's.
func (f *sourcing) argv(l *loaded, name, tool, verb string) ([]string, error) {
	if names := l.hostNames(); !slices.Contains(names, name) {
		return nil, fmt.Errorf("%s is not in the inventory (it has %s)", name, strings.Join(names, ", "))
	}
	rpc, behind := f.rpc, f.behind
	for _, st := range l.everyStage() {
		for _, it := range st.Items {
			s, ok := it.Resource.(*agave.Snapshot)
			if !ok || st.Host != name {
				continue
			}
			if rpc == "" {
				rpc = s.ClusterRPC
			}
			if text, err := s.MaxBehind.MarshalText(); behind == "" && err == nil {
				behind = string(text)
			}
		}
	}
	if rpc == "" {
		return nil, fmt.Errorf("the plan has no snapshot on %s: name an RPC of the cluster with --cluster-rpc URL", name)
	}
	argv := []string{tool, verb, "--rpc", rpc}
	for _, w := range []struct{ flag, value string }{
		{"--max-behind", behind}, {"--min-speed", f.minSpeed}, {"--max-latency", f.latency}, {"--version", f.version}, {"--known", f.known}, {"--from", f.from}, {"--bandwidth", f.bandwidth},
	} {
		if w.value != "" {
			argv = append(argv, w.flag, w.value)
		}
	}
	if f.shredVersion != 0 {
		argv = append(argv, "--shred-version", fmt.Sprint(f.shredVersion))
	}
	return argv, f.check()
}

// check finds what the program would refuse, before anything is dialled.
func (f *sourcing) check() error {
	for flag, text := range map[string]string{"--min-speed": f.minSpeed, "--bandwidth": f.bandwidth} {
		if text == "" {
			continue
		}
		n, err := snapshots.ParseBytes(text)
		if err != nil {
			return fmt.Errorf("%s: %w", flag, err)
		}
		if flag == "--min-speed" && n > snapshots.MostMinSpeed {
			return fmt.Errorf("--min-speed %s: more than %s a second refuses nearly every source; the fastest is taken anyway", text, snapshots.Bytes(snapshots.MostMinSpeed))
		}
	}
	if f.behind != "" {
		if err := new(snapshots.Span).UnmarshalText([]byte(f.behind)); err != nil {
			return fmt.Errorf("--max-behind: %w", err)
		}
	}
	return nil
}

func (c *command) snapshotFind() *cobra.Command {
	var f sourcing
	cmd := &cobra.Command{
		Use:   "find HOST",
		Short: "find the sources of a fresh snapshot, from the host",
		Long: "Asks every node of the cluster, from the host and all at once, what it serves, judges each by the pair of its full and its\n" +
			"incremental, and measures those that answered first. The fastest comes first. What was refused is counted by its reason,\n" +
			"with the one that came nearest, and the limit that would take it.\n\n" +
			"Exit status 3: no source passes.",
		Example: "  bisc snapshot find biscayne\n  bisc snapshot find biscayne --max-behind 1h --min-speed 50MiB --json",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.onHost(cmd, args[0], errand{verb: "snapshot find", detach: f.detach, show: c.showFound,
				known: agave.FindJob(nil, 0),
				job: func(l *loaded, tool string) (job.Job, error) {
					argv, err := f.argv(l, args[0], tool, "find")
					return agave.FindJob(argv, 15*time.Minute), err
				}})
		},
	}
	f.flags(c, cmd)
	return cmd
}

func (c *command) snapshotFetch() *cobra.Command {
	var f sourcing
	var into string
	var have []string
	limit := 3 * time.Hour
	cmd := &cobra.Command{
		Use:   "fetch HOST",
		Short: "fetch a fresh pair of snapshots into a folder of the host",
		Long: "A detached job on the host fetches: the fastest source's full, or one that is there already where an incremental fits it;\n" +
			"then incrementals until they have caught up. Each archive is checked to its end before it has its name, and nothing that\n" +
			"was there goes. Ctrl-C, a lost connection and the end of bisc end the watching and not the job: the same command again finds it.\n\n" +
			"While a validator runs, fetch into a folder of its own on the same file system: a live agave purges archives that it does\n" +
			"not know. --have names the validator's, whose fulls are linked where they serve.\n\n" +
			"Exit status 3: no fresh pair could be had.",
		Example: "  bisc snapshot fetch biscayne --into /srv/solana/bisc-snapshots --have /srv/solana/snapshots\n  bisc snapshot fetch biscayne --into /srv/solana/bisc-snapshots --bandwidth 100MiB --detach",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !strings.HasPrefix(into, "/") {
				return fmt.Errorf("--into %q: name the folder on the host, from its root", into)
			}
			return c.onHost(cmd, args[0], errand{verb: "snapshot fetch", detach: f.detach, show: c.showFetched,
				known: agave.FetchJob(into, nil, 0),
				job: func(l *loaded, tool string) (job.Job, error) {
					argv, err := f.argv(l, args[0], tool, "fetch")
					argv = append(argv, "--into", into)
					for _, dir := range have {
						argv = append(argv, "--have", dir)
					}
					return agave.FetchJob(into, argv, limit), err
				}})
		},
	}
	f.flags(c, cmd)
	cmd.Flags().StringVar(&into, "into", "", "the folder on the host (required)")
	cmd.Flags().StringArrayVar(&have, "have", nil, "another folder of the same file system, whose fulls may serve (repeatable)")
	cmd.Flags().DurationVar(&limit, "limit", limit, "how long the job may take")
	return cmd
}
