package host

import (
	"os/exec"
	"strings"
	"testing"
)

// TestKubeletStopped: only a node without a kubelet, and whose systemd starts none, lets a validator exit that would be started again.
func TestKubeletStopped(t *testing.T) {
	for said, want := range map[string]int{
		"none":                                       0,
		"node 7 70\nstate inactive":                  0,
		"node 7 70\nstate failed":                    0,
		"node 7 70\nstate active\nprocess 9":         10,
		"node 7 70\nstate active":                    10,
		"node 7 70\nstate activating":                10, // between two tries of systemd's
		"node 7 70\nstate unknown":                   10,
		"node 7 70\nstate inactive\nprocess 9":       10, // one that somebody started by hand
		"node 7 70\nstate deactivating\nprocess 9\n": 10,
	} {
		g := KubeletStopped("n")
		cmd := exec.Command("sh", "-c", g.Text, g.Name, `printf '%s\n' '`+said+`'`, g.Args[1])
		out, _ := cmd.CombinedOutput()
		if got := cmd.ProcessState.ExitCode(); got != want || want != 0 && !strings.Contains(string(out), "would start the validator again") {
			t.Errorf("%q: exit %d, want %d: %s", said, got, want, out)
		}
	}
	g := KubeletStopped("n")
	cmd := exec.Command("sh", "-c", g.Text, g.Name, "echo why >&2; exit 3", "n")
	if out, _ := cmd.CombinedOutput(); cmd.ProcessState.ExitCode() != 11 || !strings.Contains(string(out), "why") {
		t.Errorf("what cannot be read: exit %d: %s", cmd.ProcessState.ExitCode(), out)
	}
	if out, err := exec.Command("sh", "-c", g.Text, g.Name, g.Args[0], "no-such-node").CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("a node that there is not: %v: %s", err, out)
	}
}
