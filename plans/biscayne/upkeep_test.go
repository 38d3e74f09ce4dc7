package biscayne_test

import (
	"strings"
	"testing"
)

// TestUpkeep is what the host does by itself: nothing of it restarts docker or containerd, or reboots. Each invariant of the
// units fails when it is broken by hand.
func TestUpkeep(t *testing.T) {
	b := newBench(t, "B")
	b.apply()
	t.Run("needrestart", func(t *testing.T) { b.on(t).needrestart() })
	if got := b.sh("apt-mark showhold"); got != "containerd\ndocker.io" {
		t.Errorf("held are %q", got)
	}
	if got := b.sh(`eval "$(apt-config shell reboot Unattended-Upgrade::Automatic-Reboot/b)"; echo $reboot; perl -c /etc/needrestart/conf.d/zz-bisc.conf 2>&1`); !strings.HasPrefix(got, "false\n") || !strings.HasSuffix(got, "syntax OK") {
		t.Errorf("apt and perl say %q", got)
	}
	const gate = "/etc/systemd/system/docker.service.d/10-bisc-ground.conf"
	b.breaks([]breakage{
		{situation: "the gate is gone", script: "rm " + gate + reload, says: []string{"docker waits for its ground: content: (none)"}},
		{situation: "the gate requires a mount", script: "echo Requires=srv-solana.mount >>" + gate + reload, says: []string{"docker waits for its ground: content: "}},
		{situation: "systemd has not read the gate", script: "cp " + gate + " /tmp; rm " + gate + reload + "; cp /tmp/10-bisc-ground.conf " + gate, says: []string{"docker waits for its ground: effective: not read yet"}},
		{situation: "the accounts' unit is disabled", script: "systemctl disable bisc-accounts.service", says: []string{"the accounts have their folder after a boot: enabled: "}},
		{situation: "the accounts' unit gives them to the host's solana (incident 16)", script: "sed -i 's/-o 1000/-o solana/' /etc/systemd/system/bisc-accounts.service" + reload, says: []string{"the accounts have their folder after a boot: content: "}},
		{situation: "the shutdown guard is stopped", script: "systemctl stop bisc-validator-exit.service", says: []string{"a shutdown lets the validator exit: active: inactive"}},
		{situation: "the shutdown guard is masked for the next boot", script: "systemctl disable bisc-validator-exit.service", says: []string{"a shutdown lets the validator exit: enabled: disabled", "a shutdown knows how: enabled: "}},
		{situation: "the shutdown guard does nothing", script: "sed -i /^ExecStop=/d /etc/systemd/system/bisc-validator-exit.service" + reload, says: []string{"a shutdown knows how: content: "}},
		{situation: "its program is empty", script: ": >/usr/local/sbin/bisc-let-validator-exit", says: []string{"a shutdown has the program for it: content: "}},
		{situation: "its program cannot be run", script: "chmod 644 /usr/local/sbin/bisc-let-validator-exit", says: []string{"a shutdown has the program for it: mode: 0644"}},
		{situation: "docker is not held", script: "apt-mark unhold docker.io", says: []string{"docker.io is held: held: not held"}},
		{situation: "containerd is not held", script: "apt-mark unhold containerd", says: []string{"containerd is held: held: not held"}},
		{situation: "needrestart is told nothing", script: "rm /etc/needrestart/conf.d/zz-bisc.conf", says: []string{"needrestart leaves docker alone: content: (none)"}},
		{situation: "automatic reboots are turned on where they were turned off", script: "sed -i 's/Reboot \"false\"/Reboot \"true\"/' /etc/apt/apt.conf.d/zz-bisc-no-reboot", says: []string{"no automatic reboot: condition: fact.automatic_reboot = true"}},
		{situation: "a later file turns automatic reboots on", script: `echo 'unattended-upgrade::Automatic-Reboot "yes";' >/etc/apt/apt.conf.d/zzz-site`, says: []string{"no automatic reboot: condition: fact.automatic_reboot = true"},
			undo: "rm /etc/apt/apt.conf.d/zzz-site"},
	})
}

// needrestart proves with the real program that a library's upgrade restarts neither docker nor containerd, and that it
// would but for our file.
func (b *bench) needrestart() {
	const upgraded = "for f in /usr/bin/containerd /usr/sbin/dockerd; do cp -p $f $f.new; mv $f.new $f; done; " +
		"sed -i 's/qr(^docker) => 0/qr(^docker) => 1/' /etc/needrestart/needrestart.conf" // Debian spares docker already, not containerd
	const processes = "systemctl show -p MainPID --value containerd.service docker.service | xargs"
	b.sh(upgraded)
	was := b.sh(processes)
	b.says(b.sh("needrestart -b -l | xargs"), "NEEDRESTART-SVC: containerd.service", "NEEDRESTART-SVC: docker.service")
	b.sh("needrestart -r a -l -m a")
	if now := b.sh(processes); now != was {
		b.Errorf("needrestart has restarted containerd or docker: they were processes %s and are %s", was, now)
	}
	b.sh("mv /etc/needrestart/conf.d/zz-bisc.conf /root; needrestart -r a -l -m a; mv /root/zz-bisc.conf /etc/needrestart/conf.d")
	now := strings.Fields(b.sh(processes))
	for i, pid := range strings.Fields(was) {
		if now[i] == pid {
			b.Error("needrestart leaves a service alone without our file too: what is proved of the file proves nothing")
		}
	}
}
