package all

import (
	"strings"
	"testing"

	"bisc/internal/host"
	"bisc/internal/lab"
)

// To ask a docker that was stopped would start it by its socket, and with it every container that restarts always.
func TestAskingDockerStartsNone(t *testing.T) {
	t.Parallel()
	b := newBench(t, lab.HostOptions{Name: "stopped", Docker: true})
	b.shell(t, dockerUp+"docker network create relay; systemctl stop docker.service; systemctl is-active docker.socket")
	h, err := b.Reader(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	out, err := h.Query(t.Context(), host.DockerNetwork.Argv("relay")...)
	if err != nil || out.Exit == 0 || !strings.Contains(string(out.Stderr), "docker does not run") {
		t.Errorf("it says %q, %q, exit %d, %v", out.Stdout, out.Stderr, out.Exit, err)
	}
	if got := strings.TrimSpace(b.said(t, "systemctl is-active docker.service || true")); got != "inactive" {
		t.Errorf("docker is %s", got)
	}
	b.shell(t, "systemctl start docker.service")
	if out, err := h.Query(t.Context(), host.DockerNetwork.Argv("relay")...); err != nil || out.Exit != 0 {
		t.Errorf("a docker that runs says %q, exit %d, %v", out.Stderr, out.Exit, err)
	}
}
