package letexit

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestContained: at a shutdown docker kills what is in its containers, whatever process namespace that is in (--pid=host, a pod's hostPID). Only
// the script's functions are run here: the script itself asks every validator of the machine.
func TestContained(t *testing.T) {
	functions, _, ok := strings.Cut(Script, "\ndetached=\n")
	if !ok {
		t.Fatal("the script has no line detached=")
	}
	group := filepath.Join(t.TempDir(), "cgroup")
	for text, want := range map[string]string{
		"0::/system.slice/sol.service\n":                                                "no",
		"0::/user.slice/user-0.slice/session-1.scope\n":                                 "no",
		"0::/system.slice/docker-0a1b.scope\n":                                          "yes",
		"3:cpu:/docker/0a1b\n2:memory:/\n0::/\n":                                        "yes",
		"0::/kubelet.slice/kubepods.slice/kubepods-pod1.slice/cri-containerd-a.scope\n": "yes",
		"0::/machine.slice/libpod-0a1b.scope\n":                                         "yes",
		"0::/system.slice/containerd.service/kata\n":                                    "yes",
	} {
		if err := os.WriteFile(group, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command("unshare", "--mount", "sh", "-c", `mount --bind "$1" "/proc/$$/cgroup" || exit; `+functions+`
if contained $$; then echo yes; else echo no; fi`, "x", group).CombinedOutput()
		if got := strings.TrimSpace(string(out)); err != nil || got != want {
			t.Errorf("%q: %q %v, want %s: this test needs root and unshare", text, got, err, want)
		}
	}
	out, err := exec.Command("sh", "-c", functions+"\nif contained 4194305; then echo yes; fi").Output()
	if got := strings.TrimSpace(string(out)); err != nil || got != "yes" {
		t.Errorf("one whose process namespace cannot be read: %q %v", got, err)
	}
}
