package lab

import (
	"strings"
	"testing"
)

func TestDocker(t *testing.T) {
	h := ForTest(t, Options{Hosts: []HostOptions{{Name: "a", Docker: true}}}).Host("a")
	// The stand-in program is static: an image of nothing else runs.
	out, err := h.Shell(t.Context(), `
docker info -f '{{.Driver}} {{.CgroupVersion}}'
cp /usr/lib/bisc-lab/standin /tmp/zfs
tar -C /tmp -c zfs | docker import - lab:1 >/dev/null
docker run --rm lab:1 /zfs version
docker run -d --restart=always --stop-signal=KILL --name sleeper -v /bin:/bin:ro -v /lib:/lib:ro -v /lib64:/lib64:ro -v /usr:/usr:ro lab:1 /usr/bin/sleep 1000 >/dev/null`)
	if want := "overlay2 2\nzfs-2.2.9-lab\n"; err != nil || !strings.HasPrefix(string(out), want) {
		t.Fatalf("got %q, %v, want %q", out, err, want)
	}
	if err := h.Reboot(t.Context()); err != nil {
		t.Fatal(err)
	}
	out, err = h.Shell(t.Context(), `systemctl start docker; docker ps --format '{{.Names}}'`)
	if string(out) != "sleeper\n" || err != nil {
		t.Errorf("after a reboot docker runs %q, %v, want the container that restarts always", out, err)
	}
}
