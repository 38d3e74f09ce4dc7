package eosconf

import (
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"bisc/internal/lab/eos/device"
)

// TestTwoHundredEditsAreTheEmulatorsOwn: random changes of the real configuration, typed into a session of the emulated switch,
// which has a parser, a printer and a diff of its own: its diff says what the plan says, and its candidate is the plan's.
func TestTwoHundredEditsAreTheEmulatorsOwn(t *testing.T) {
	text, err := os.ReadFile("../../../shared/fixtures/eos/configs/real-7280CR3A-4.34.0F/mia-sw01-running.cfg")
	if err != nil {
		t.Fatalf("this test reads the public fixtures, which stand beside the repository: %v", err)
	}
	ports := []string{"Ethernet2/1"} // which one of the changes names, and this switch has in its place 1/2 to 1/4
	for line := range strings.Lines(string(text)) {
		if name, is := strings.CutPrefix(strings.TrimSpace(line), "interface "); is && (strings.HasPrefix(name, "Ethernet") || strings.HasPrefix(name, "Management")) {
			ports = append(ports, name)
		}
	}
	sw := device.New(device.Options{Startup: string(text), Ports: ports, Flags: device.Flags{LoginPrivileged: true}})
	running, err := Parse([]byte(sw.Running()))
	if err != nil {
		t.Fatal(err)
	}
	shell := sw.Shell("install", "vty2")
	typed := 0
	for seed := uint64(0); typed < 200; seed++ {
		plan, err := running.Plan(known(wants(rand.New(rand.NewPCG(5, seed))))...)
		if err != nil || plan.Empty() {
			continue
		}
		typed++
		if err := edit(shell, running, plan); err != nil {
			t.Errorf("seed %d: %v\ntyped:\n%s", seed, err, strings.Join(plan.Commands, "\n"))
		}
	}
}

// edit types a plan into a session, compares, and drops the session.
func edit(shell *device.Shell, running *Config, plan Plan) error {
	lines := append([]string{"configure session edit"}, strings.Split(strings.Join(plan.Commands, "\n"), "\n")...)
	for _, line := range append(lines, "end") {
		if _, err := shell.Run(line); err != nil {
			return drop(shell, err)
		}
	}
	diff, err := shell.Run("show session-config named edit diffs")
	if err != nil {
		return drop(shell, err)
	}
	if err := Agree(plan.Adds, plan.Removes, diff); err != nil {
		return drop(shell, err)
	}
	text, err := shell.Run("show session-config named edit")
	if err != nil {
		return drop(shell, err)
	}
	candidate, err := Parse([]byte(text))
	if err != nil {
		return drop(shell, err)
	}
	return drop(shell, AgreeTree(plan.Adds, plan.Removes, running, candidate))
}

func drop(shell *device.Shell, cause error) error {
	for _, line := range []string{"EOF", "end"} { // out of a text, out of a mode
		shell.Run(line)
	}
	if _, err := shell.Run("configure session edit abort"); err != nil && cause == nil {
		return err
	}
	return cause
}

// known leaves out what the two see differently: whether port 53 has a name, which no public text tells; and the two rules that a
// switch prints at the end of each traffic policy, which a Want of one must have written out (eos.md C.4).
func known(wants []Want) []Want {
	var out []Want
	for _, w := range wants {
		if len(w.Under) > 0 && w.Under[0] == "traffic-policies" {
			continue
		}
		w.Lines = slices.Clone(w.Lines)
		for i := range w.Lines {
			w.Lines[i] = strings.ReplaceAll(w.Lines[i], "eq 53 179", "eq 862 179")
		}
		out = append(out, w)
	}
	return out
}
