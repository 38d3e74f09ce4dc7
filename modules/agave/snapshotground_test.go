package agave

import (
	"fmt"
	"strings"
	"testing"

	"bisc/hostbin"
	"bisc/internal/host"
	"bisc/internal/host/hosttest"
	"bisc/modules"
	"bisc/modules/kindtest"
)

// ground is a host with folders of snapshots, as name to size, and a cluster at a slot.
type snapshotGround struct {
	folders map[string]map[string]int64
	tip     int
	job     string // what the host says of the fetch; "" was never started
	program bool   // it is there
}

func (g snapshotGround) fake(t *testing.T) *hosttest.Fake {
	t.Helper()
	f := hosttest.New("u1")
	for dir, files := range g.folders {
		if files == nil {
			f.Missing[dir] = true
			continue
		}
		f.Stats[dir] = host.Stat{Type: host.Directory}
		for name, size := range files {
			f.Stats[dir+"/"+name] = host.Stat{Type: host.Regular, Size: size}
			f.Globs[dir+"/*snapshot-*"] = append(f.Globs[dir+"/*snapshot-*"], dir+"/"+name)
		}
		if len(files) == 0 {
			f.Globs[dir+"/*snapshot-*"] = []string{}
		}
	}
	f.RPCs["getSlot({\"commitment\":\"finalized\"}) at "+rpcURL] = []string{fmt.Sprint(g.tip)}
	f.Answer(0, "x86_64\n", "uname", "-m")
	b := program(t)
	if g.program {
		f.Answer(0, b.SHA256+"  "+hostbin.Path(b)+"\n", "sha256sum", "--", hostbin.Path(b))
	} else {
		f.Answer(1, "", "sha256sum", "--", hostbin.Path(b))
		f.Missing[hostbin.Path(b)] = true
	}
	id := FetchJob(incoming, nil, 0).ID
	said := g.job
	if said == "" {
		said = "unit inactive\nnow b1 1000\n"
	}
	f.Answer(0, "job "+id+"\n"+said, host.Jobs.Argv(id)...)
	return f
}

func program(t *testing.T) hostbin.Binary {
	t.Helper()
	b, err := hostbin.For(hostbin.Snapshot, "x86_64")
	if err != nil {
		t.Fatalf("%v (this test needs the builds: run `make relay` and the test again)", err)
	}
	return b
}

// snapshot is a resource with its defaults.
func snapshot(path string, change func(*Snapshot)) *Snapshot {
	s := SnapshotKind.New(path).(*Snapshot)
	s.ClusterRPC = rpcURL
	if change != nil {
		change(s)
	}
	return s
}

// plan gives a change as text, the program's digest and the guards' texts left out.
func planned(t *testing.T, s *Snapshot, g snapshotGround) (modules.Change, string) {
	t.Helper()
	c, err := s.Plan(t.Context(), g.fake(t))
	if err != nil {
		t.Fatal(err)
	}
	return c, strings.ReplaceAll(kindtest.Print(c), hostbin.Path(program(t)), "PROGRAM")
}
