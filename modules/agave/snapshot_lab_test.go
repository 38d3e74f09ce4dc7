package agave

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"bisc/hostbin/snapshots"
	"bisc/internal/lab"
	"bisc/internal/lab/reached"
	"bisc/internal/lab/solana"
	"bisc/internal/lab/solana/slot"
	standin "bisc/internal/lab/standin/agave"
	"bisc/internal/lab/standin/validator"
	"bisc/modules/job"
	"bisc/modules/kindtest"
)

// snapshotBench is a lab host with a cluster in its network and a validator's folders, reached as an operator would.
type snapshotBench struct {
	*reached.Bench
	t       *testing.T
	cluster *solana.Cluster
}

func startSnapshotBench(t *testing.T, nodes ...solana.Node) *snapshotBench {
	t.Helper()
	b := &snapshotBench{Bench: reached.New(t, lab.ForTest(t, lab.Names("snap")).Host("snap")), t: t}
	b.cluster = solana.Start(t, solana.Options{Host: b.Lab, Clock: slot.Clock{Slot: 1_000_281, At: time.Now(), Rate: 1e-9}, Nodes: nodes})
	b.Shell(t, "mkdir -p "+ourFolder+" /srv/solana /data/ledger /data/accounts /data/log")
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(b.Shell(t, "cat /var/lib/bisc/jobs/*/output || true"))
		}
	})
	return b
}

func (b *snapshotBench) archives(dir string) []string {
	b.t.Helper()
	entries, err := os.ReadDir(filepath.Join(b.Lab.Root(), dir))
	if err != nil {
		b.t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		if _, ok := snapshots.Parse(e.Name()); ok {
			out = append(out, e.Name())
		}
	}
	return out
}

// A leapfrog's snapshots on a host with a validator that lives: the run at its tip is read beside it, a pair is fetched into a folder
// of its own from among slow, lying and vanishing sources, its full taken from what is there; nothing is moved while the validator
// lives, and once it is stopped what it replaces goes last.
func TestSnapshotOnAHost(t *testing.T) {
	b := startSnapshotBench(t,
		solana.Node{Fault: solana.FaultHTML}, solana.Node{Fault: solana.FaultLocation}, solana.Node{Base: 990_000, Fault: solana.FaultVanish},
		solana.Node{Base: 1_000_000, Fault: solana.FaultCorrupt}, solana.Node{Base: 950_000, Prefix: "/x", Absolute: true}, solana.Node{Fault: solana.FaultShort})
	if err := solana.WritePair(filepath.Join(b.Lab.Root(), ourFolder), 950_000, 960_000); err != nil {
		t.Fatal(err)
	}
	pid := b.startValidator(1_000_000, 1_000_250, 1_000_100)

	run := &CompleteRun{Name: "x", Min: 100}
	if c := b.Plan(b.t, run); !c.InSync() {
		t.Fatalf("the run: %s", kindtest.Print(c))
	}
	run.Min = 200
	if c := b.Plan(b.t, run); !strings.Contains(kindtest.Print(c), "150 complete blocks, slots 1000101 to 1000250: slot 1000100, the parent of 1000101, is incomplete") {
		t.Errorf("a gap at 1000100: %s", kindtest.Print(c))
	}

	b.refusesLive()
	fetch := snapshot(incoming, func(s *Snapshot) {
		s.ClusterRPC, s.Fetch, s.Final, s.MinSpeed, s.MaxBehind, s.Reserve = b.cluster.RPC, true, ourFolder, 1000, snapshots.Span{Slots: 5000}, 1
	})
	b.Does(b.t, fetch)
	want := []string{solana.FullName(950_000), solana.IncrementalName(950_000, 1_000_200)}
	for _, name := range b.archives(incoming) {
		if !slices.Contains(append(want, solana.IncrementalName(950_000, 960_000)), name) {
			t.Errorf("%s was fetched: %v", name, b.archives(incoming))
		}
	}
	for _, q := range b.cluster.Requests() {
		if q.Method == "GET" && strings.HasSuffix(q.Path, solana.FullName(950_000)) && q.Node != 4 {
			t.Errorf("the full was taken from %d: it is here", q.Node)
		}
	}
	if n := b.Shell(b.t, "stat -c %h "+ourFolder+"/"+solana.FullName(950_000)); n != "2" {
		t.Errorf("the full has %s names, want 2: it was copied or fetched", n)
	}
	run.Min, run.Snapshot = 100, incoming
	if c := b.Plan(b.t, run); !c.InSync() {
		t.Errorf("1000200 within the run: %s", kindtest.Print(c))
	}

	move := snapshot(ourFolder, func(s *Snapshot) { s.ClusterRPC, s.From = b.cluster.RPC, incoming })
	c := b.Plan(b.t, move)
	if len(c.Steps) != 1 || len(c.Destroys) != 1 || !strings.Contains(c.Destroys[0], solana.IncrementalName(950_000, 960_000)) {
		t.Fatalf("%s", kindtest.Print(c))
	}
	for _, step := range c.Steps { // F21: it lives, so none of them is done
		if err := b.Hands(b.t).Do(t.Context(), step); err == nil {
			t.Errorf("%s was done while a validator lives", step)
		}
	}
	b.Shell(b.t, "kill -9 "+pid+"; while [ -d /proc/"+pid+" ]; do sleep 0.05; done")
	b.Does(b.t, move)
	if got := b.archives(ourFolder); !slices.Equal(got, []string{want[1], want[0]}) {
		t.Errorf("in place are %v", got)
	}
	if c := b.Plan(b.t, snapshot(ourFolder, func(s *Snapshot) { s.ClusterRPC = b.cluster.RPC })); !c.InSync() {
		t.Errorf("judged: %s", kindtest.Print(c))
	}
}

// startValidator starts a stand-in with a blockstore of slots, one of them incomplete, and gives its pid.
func (b *snapshotBench) startValidator(first, last, gap uint64) string {
	b.t.Helper()
	program, err := standin.Program(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	for _, name := range []string{"/usr/local/bin/agave-validator", "/usr/local/bin/agave-ledger-tool", "/usr/local/bin/solana-keygen"} {
		if err := b.Lab.Install(b.t.Context(), bytes.NewReader(program), name); err != nil {
			b.t.Fatal(err)
		}
	}
	var slots []validator.Slot
	for s := first; s <= last; s++ {
		slots = append(slots, validator.Slot{Slot: s, Parent: s - 1, Full: s != gap})
	}
	ledger := filepath.Join(b.Lab.Root(), "data/ledger")
	if err := validator.WriteSlots(ledger, slots); err != nil {
		b.t.Fatal(err)
	}
	// It is silent, and hears no more slots than it has: what it would do with its own snapshots is not what is tried.
	if err := validator.WriteFault(ledger, validator.Fault{StartSeconds: 3600}); err != nil {
		b.t.Fatal(err)
	}
	b.Shell(b.t, "solana-keygen new --no-passphrase -o /data/id.json >/dev/null; systemd-run -q --unit=stand-in /usr/local/bin/agave-validator --identity /data/id.json --no-voting --ledger /data/ledger --accounts /data/accounts --snapshots "+ourFolder+
		" --log /data/log/validator.log --rpc-port 8890 --no-snapshot-fetch; for i in $(seq 1200); do [ -e /data/ledger/admin.rpc ] && exit; sleep 0.05; done; journalctl -u stand-in; exit 1")
	return b.Shell(b.t, "systemctl show -p MainPID --value stand-in")
}

// refusesLive fetches into the folder of the validator that lives: the job fails at once, and brings nothing.
func (b *snapshotBench) refusesLive() {
	b.t.Helper()
	r := snapshot(ourFolder, func(s *Snapshot) { s.ClusterRPC, s.Fetch, s.MinSpeed = b.cluster.RPC, true, 1000 })
	for _, s := range b.Plan(b.t, r).Steps {
		_ = b.Hands(b.t).Do(b.t.Context(), s) // a job that fails at once may fail its start
	}
	var st job.State
	for end := time.Now().Add(time.Minute); st.Phase != job.Failed && time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		var err error
		if st, err = r.job("", 0).Read(b.t.Context(), b.Hands(b.t)); err != nil {
			b.t.Fatal(err)
		}
	}
	if !strings.Contains(st.Tail, "purges what it does not know") || len(b.archives(ourFolder)) != 2 {
		b.t.Fatalf("into the folder of a living validator: %s\n%s", st, st.Tail)
	}
	if c := b.Plan(b.t, r); c.Mendable() { // whoever waits for it ends
		b.t.Errorf("it failed just now, and: %s", kindtest.Print(c))
	}
}
