package validator

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"bisc/internal/lab/solana/slot"
)

// TestMain is the stand-in itself where the test runs a copy of its own program under its names.
func TestMain(m *testing.M) {
	switch filepath.Base(os.Args[0]) {
	case "agave-validator", "agave-ledger-tool":
		os.Exit(Main(os.Args))
	}
	os.Exit(m.Run())
}

// limit is far above what any step of a stand-in takes.
const limit = 60 * time.Second

// A life: a silent start, a slot that closes up, threads by their names, a second one refused, a clean exit, and a start from there.
func TestLife(t *testing.T) {
	p := newPlace(t)
	tip := slot.Default().Tip(time.Now())
	p.pair(tip-1000, tip-500)
	p.check(WriteFault(p.ledger, Fault{StartSeconds: 5, Rate: 2000, IncompleteEvery: 3}))
	cmd := p.start(nil)
	p.until("the admin socket answers", func() bool { _, err := os.Stat(adminSocket(p.ledger)); return err == nil })
	if p.health() != "" {
		t.Error("RPC answers while the validator starts")
	}
	p.until("healthy", func() bool { return p.health() == "ok" })
	if got := string(p.ask("getIdentity", "[]").Result); got != `{"identity":"`+p.pubkey+`"}` {
		t.Errorf("getIdentity: %s", got)
	}
	if e := p.ask("sendTransaction", "[]").Error; e == nil || e.Code != -32601 {
		t.Errorf("an unknown method: %v", e)
	}
	p.until("its threads are named as agave's", func() bool {
		names := threads(t, cmd.Process.Pid)
		return slices.Contains(names, "agave-validator") && slices.Contains(names, "solReplayStage") && slices.Contains(names, "rocksdb:low") && slices.Contains(names, "solAcctsDbFlush")
	})
	second := exec.Command(p.program, p.args()...)
	out, err := second.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "Check if another validator is running") {
		t.Errorf("a second validator: %v, %s", err, out)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	if got := p.exit("--force"); !strings.Contains(got, "has terminated") {
		t.Errorf("exit says %q", got)
	}
	p.check(<-ended)
	text, err := os.ReadFile(p.log)
	p.check(err)
	if !bytes.HasSuffix(text, []byte("agave_validator] Validator exiting..\n")) {
		t.Errorf("the log ends without the line of a clean exit:\n%s", text)
	}
	if got := p.events(); !slices.Equal(got, []string{Started, Refused, Exited}) {
		t.Errorf("record: %q", got)
	}

	p.check(os.RemoveAll(p.snapshots))
	p.check(WriteFault(p.ledger, Fault{StartSeconds: 0.1, Rate: 0.001}))
	p.start(nil)
	p.until("RPC answers after a second start", func() bool { return p.health() != "" })
	var at uint64
	p.check(json.Unmarshal(p.ask("getSlot", `[{"commitment":"processed"}]`).Result, &at))
	if at < tip-500 || at == 0 {
		t.Errorf("after a clean exit it starts at %d without a snapshot, want where it was: after %d", at, tip)
	}
}

// As PID 1 it takes no notice of SIGTERM: kubelet's polite word (incident 7).
func TestSIGTERM(t *testing.T) {
	p := newPlace(t)
	cmd := p.start(func(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID} })
	p.until("it runs", func() bool { return p.health() == "behind" })
	p.check(cmd.Process.Signal(syscall.SIGTERM))
	for range 3 {
		time.Sleep(50 * time.Millisecond) // a signal that is not ignored acts at once
		if p.health() != "behind" {
			t.Fatal("SIGTERM ended PID 1")
		}
	}
	p.exit("--force", "--no-wait-for-exit")
	p.check(cmd.Wait())
}

// What the fault switch does to an exit and to the RPC port.
func TestFaultSwitch(t *testing.T) {
	p := newPlace(t)
	p.check(WriteFault(p.ledger, Fault{StartSeconds: 0.1, Exit: ExitStubborn, Clock: slot.Clock{Slot: 90, At: time.Now(), Rate: 0.01}, Behind: 20, Rate: 1e6}))
	cmd := p.start(nil)
	p.until("it runs", func() bool { return p.health() == "ok" })
	var at uint64
	p.until("it stays behind", func() bool {
		p.check(json.Unmarshal(p.ask("getSlot", `[{"commitment":"processed"}]`).Result, &at))
		return at == 70
	})
	if got := p.exit("--force", "--no-wait-for-exit"); got != "Exit request sent\n" {
		t.Errorf("exit says %q", got)
	}
	p.check(WriteFault(p.ledger, Fault{RPC: RPCClosed}))
	p.until("RPC is closed", func() bool { return p.health() == "" })
	p.check(WriteFault(p.ledger, Fault{RPC: RPCUnhealthy}))
	p.until("RPC does not know", func() bool { return p.health() == "unknown" })
	p.check(WriteFault(p.ledger, Fault{Exit: ExitDirty}))
	p.until("the switch is read", func() bool { return p.health() == "behind" })
	p.exit("--force", "--no-wait-for-exit")
	if err := cmd.Wait(); err == nil || cmd.ProcessState.ExitCode() != 101 {
		t.Errorf("a dirty exit: %v", err)
	}
	if got := p.events(); !slices.Equal(got, []string{Started, Failed}) {
		t.Errorf("record: %q", got)
	}
}

// A live validator purges what it did not make: a download into its folder is lost (issue 6, 5).
func TestPurge(t *testing.T) {
	p := newPlace(t)
	p.pair(100, 200)
	p.check(WriteFault(p.ledger, Fault{StartSeconds: 0.1, PurgeSeconds: 0.1}))
	p.start(nil)
	p.until("it runs", func() bool { return p.health() != "" })
	p.pair(300, 400)
	p.check(os.WriteFile(filepath.Join(p.snapshots, "snapshot.part"), nil, 0o644))
	p.until("foreign archives are gone", func() bool {
		left, err := os.ReadDir(p.snapshots)
		p.check(err)
		return len(left) == 3
	})
	p.until("the purge is on record", func() bool { return slices.Equal(p.events(), []string{Started, Purged, Purged}) })
}

// The ledger tool tells what came in, beside the validator and after it.
func TestLedgerTool(t *testing.T) {
	ledger := t.TempDir()
	var slots []Slot
	for s := uint64(100); s < 150; s++ {
		slots = append(slots, Slot{Slot: s, Parent: s - 1, Full: s != 120})
	}
	if err := WriteSlots(ledger, slots); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"-l", ledger, "blockstore", "bounds"}, "Ledger has data for 50 slots 100 to 149\n  with 18 rooted slots from 100 to 117\n  and 32 slots past the last root\n"},
		{[]string{"-l", ledger, "blockstore", "print", "--starting-slot", "119", "--ending-slot", "120"},
			"Slot 119 root?: false\n  num_shreds: 640, parent_slot: Some(118), next_slots: [120], num_entries: 96, is_full: true\n" +
				"Slot 120 root?: false\n  num_shreds: 640, parent_slot: Some(119), next_slots: [121], num_entries: 96, is_full: false\n"},
	} {
		cmd := exec.Command(self, c.args...)
		cmd.Args[0] = "agave-ledger-tool"
		out, err := cmd.CombinedOutput()
		if err != nil || string(out) != c.want {
			t.Errorf("%q: %v\n%s\nwant\n%s", c.args, err, out, c.want)
		}
	}
}
