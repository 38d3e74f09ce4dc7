package biscayne_test

import (
	"strconv"
	"strings"
	"testing"
)

// TestGate is docker's: it starts after its ground, not over a ground that is not there, and goes on when the ground moves.
func TestGate(t *testing.T) {
	b := newBench(t, "B")
	b.apply()
	t.Run("the ground may move", func(t *testing.T) { b.on(t).groundMoves() })
	t.Run("the order at boot", func(t *testing.T) { b.on(t).order() })
	for _, c := range []struct{ situation, breaks, mends, says string }{
		{"a device in fstab is not there", `sed -i 's|^/dev/zvol/[^ ]*|/dev/gone|' /etc/fstab`, "", "the data is XFS on its own device|after boot: source: /dev/gone, want /dev/zvol/biscayne/DATA/volumes/solana"},
		{"the volumes are not found", broken("zfs-volume-wait.service"), mended("zfs-volume-wait.service"), "the data is XFS on its own device|source: (none), failed: zfs-volume-wait.service"},
		{"the ramdisk gets no file system", broken("format-ramdisk.service"), mended("format-ramdisk.service"), "the accounts are on the ramdisk|source: (none), failed: format-ramdisk.service"},
	} {
		t.Run(c.situation, func(t *testing.T) {
			b := b.on(t)
			b.sh(c.breaks)
			b.reboot() // returns when sshd answers
			b.settled()
			b.refused()
			for _, line := range strings.Split(c.says, "|") {
				b.says(b.bisc(3, "check"), line)
			}
			b.sh(c.mends)
			b.apply()
			b.sh("systemctl start docker; docker ps")
			b.green("mended")
		})
	}
}

// refused fails the test unless docker is down because its assertion said so, and by hand as well.
func (b *bench) refused() {
	b.Helper()
	if got := b.sh(`systemctl show -p ActiveState -p AssertResult --value docker.service | tr '\n' ' '`); got != "inactive no" {
		b.Errorf("docker is %q, want it not started by its assertion\n%s", got, b.sh("systemctl status docker.service || true"))
	}
	if out, err := b.host.Shell(b.Context(), "systemctl start docker"); err == nil {
		b.Errorf("docker was started by hand over a ground that is not there: %s", out)
	}
}

// on is the bench in a subtest.
func (b *bench) on(t *testing.T) *bench {
	sub := *b
	sub.T = t
	return &sub
}

// broken makes a unit fail from the next boot on; mended takes that back.
func broken(unit string) string {
	return "mkdir -p /etc/systemd/system/" + unit + ".d; printf '[Service]\\nExecStart=\\nExecStart=/bin/false\\n' >/etc/systemd/system/" + unit + ".d/broken.conf"
}

func mended(unit string) string {
	return "rm /etc/systemd/system/" + unit + ".d/broken.conf; systemctl daemon-reload; systemctl restart " + unit + " || true" // one refuses to be started by hand
}

// settled waits until the boot has no job left to do.
func (b *bench) settled() {
	b.Helper()
	b.sh("timeout 240 systemctl is-system-running --wait || true; [ -z \"$(systemctl list-jobs --no-legend)\" ]")
}

const dockerProcess = "systemctl show -p MainPID --value docker.service"

// groundMoves proves that stopping or restarting a mount of the ground leaves docker alone, and that Requires= would not.
func (b *bench) groundMoves() {
	was := b.sh(dockerProcess)
	for _, act := range []string{"restart srv-kind-solana.mount", "restart srv-solana-ramdisk.mount", "stop srv-solana.mount"} {
		b.sh("systemctl " + act + "; sleep 0.2")
		if now := b.sh(dockerProcess); now != was {
			b.Errorf("systemctl %s: docker was process %s and is %s", act, was, now)
		}
	}
	b.apply()
	b.green("mounted again")
	b.sh("mkdir -p /run/systemd/system/docker.service.d; printf '[Unit]\\nRequires=srv-kind-solana.mount\\n' >/run/systemd/system/docker.service.d/x.conf; systemctl daemon-reload")
	b.sh("systemctl restart srv-kind-solana.mount; sleep 0.2")
	if now := b.sh(dockerProcess); now == was {
		b.Error("docker goes on although it requires the mount: what is proved of the gate proves nothing")
	}
	b.sh("rm /run/systemd/system/docker.service.d/x.conf; systemctl daemon-reload; systemctl start docker")
}

// order proves that docker starts after volumes that take their time, and before them without the gate.
func (b *bench) order() {
	const slow = "/etc/systemd/system/zfs-volume-wait.service.d/slow.conf"
	b.sh("mkdir -p $(dirname " + slow + "); printf '[Service]\\nExecStartPre=/bin/sleep 3\\n' >" + slow)
	b.reboot()
	b.settled()
	docker := b.began("InactiveExitTimestampMonotonic", "docker.service")
	for _, unit := range []string{"srv-solana.mount", "srv-solana-ramdisk.mount", "srv-kind-solana.mount", "bisc-accounts.service"} {
		if at := b.began("ActiveEnterTimestampMonotonic", unit); at == 0 || at > docker {
			b.Errorf("docker began to start at %d, %s was up at %d", docker, unit, at)
		}
	}
	b.sh("mv /etc/systemd/system/docker.service.d/10-bisc-ground.conf /root; systemctl disable bisc-accounts.service")
	b.reboot()
	b.settled()
	if docker, up := b.began("InactiveExitTimestampMonotonic", "docker.service"), b.began("ActiveEnterTimestampMonotonic", "srv-solana-ramdisk.mount"); docker > up {
		b.Error("docker waits for its ground without the gate too: what is proved of the gate proves nothing")
	}
	b.says(b.bisc(3, "check"), `invariant["docker waits for its ground"]`, "content: (none)")
	b.sh("rm " + slow + "; systemctl daemon-reload")
	b.apply()
}

// began gives a time of a unit in microseconds since the machine's boot.
func (b *bench) began(property, unit string) int {
	b.Helper()
	n, err := strconv.Atoi(b.sh("systemctl show -p " + property + " --value " + unit))
	if err != nil {
		b.Fatal(err)
	}
	return n
}
