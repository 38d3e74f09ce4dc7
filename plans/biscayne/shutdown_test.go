package biscayne_test

import (
	"os"
	"path/filepath"
	"testing"
)

// TestShutdown proves that a reboot, and a stop of docker, typed by anybody, let a validator in a container exit before
// docker stops, and that without the guard it is killed.
func TestShutdown(t *testing.T) {
	b := newBench(t, "B")
	b.apply()
	b.install("agave-validator", "/usr/local/bin/agave-validator")
	b.sh(image)
	// What docker is told first at its stop: validators that still live are killed after this line.
	b.sh(`mkdir -p /etc/systemd/system/docker.service.d
printf '[Service]\nExecStop=/bin/sh -c "echo docker stops >>/srv/solana/ledger/order"\n' >/etc/systemd/system/docker.service.d/order.conf
systemctl daemon-reload`)
	const order = "cat /srv/solana/ledger/order; rm /srv/solana/ledger/order"

	b.validator()
	b.reboot()
	b.settled()
	if got := b.sh(order); got != "clean exit\ndocker stops" {
		t.Errorf("at the reboot: %q", got)
	}
	b.bisc(0, "check", "--wait", "60s")

	b.validator()
	b.sh("systemctl restart docker")
	if got := b.sh(order); got != "clean exit\ndocker stops" {
		t.Errorf("at the restart of docker: %q", got)
	}
	b.sh("systemctl stop docker; systemctl start docker; rm -f /srv/solana/ledger/order")
	b.bisc(0, "check", "--wait", "60s")

	b.sh("systemctl stop bisc-validator-exit.service; systemctl disable bisc-validator-exit.service; sed -i /bisc-validator-exit/d /etc/systemd/system/docker.service.d/10-bisc-ground.conf; systemctl daemon-reload")
	b.says(b.bisc(3, "check"), `invariant["a shutdown lets the validator exit"]`, "active: inactive")
	b.validator()
	b.reboot()
	b.settled()
	if got := b.sh(order); got != "docker stops" {
		t.Errorf("without the guard at the reboot: %q, so the guard proves nothing", got)
	}
	b.apply()
	b.green("repaired")
}

// install copies a program into the host.
func (b *bench) install(program, to string) {
	b.Helper()
	in, err := os.Open(filepath.Join(programs, program))
	if err != nil {
		b.Fatal(err)
	}
	defer in.Close()
	if err := b.host.Install(b.Context(), in, to); err != nil {
		b.Fatal(err)
	}
}

// validator starts one in a container, as its PID 1, with its ledger where the plan made the folder.
func (b *bench) validator() {
	b.Helper()
	b.sh("docker rm -f validator >/dev/null 2>&1 || true; docker run -d --stop-timeout 1 --name validator -v /srv/kind/solana/ledger:/data/ledger:rslave " + programsOf +
		" lab:1 /usr/local/bin/agave-validator --ledger /data/ledger >/dev/null; timeout 20 sh -c 'until [ -S /srv/solana/ledger/admin.rpc ]; do sleep 0.1; done'")
}

// TestLetValidatorExit is the guard's program by itself.
func TestLetValidatorExit(t *testing.T) {
	b := newBench(t, "B")
	text, err := os.ReadFile("let-validator-exit.sh")
	if err != nil {
		t.Fatal(err)
	}
	b.sh(`printf %s "$1" >/root/let; mkdir -p /root/a "/root/b c" /root/d/ledger`, string(text))
	b.install("agave-validator", "/usr/local/bin/agave-validator")
	b.sh(`printf '#!/bin/sh\nexec unshare --pid --fork --kill-child --mount-proc /usr/local/bin/agave-validator "$@"\n' >/usr/local/bin/contained; chmod 755 /usr/local/bin/contained`)
	const running = `cleanup() { killall -q -KILL agave-validator other || true; rm -f /root/*/admin.rpc; }; cleanup
up() { timeout 10 sh -c 'until [ -S "$1" ]; do sleep 0.1; done' up "$1"; }
`
	for _, c := range []struct {
		situation, script string
		want              string // what it says at its end, and its exit status
	}{
		{"nobody lives", "BISC_GRACE=5 sh /root/let", " 0"},
		{"--ledger DIR", `contained --ledger /root/a >/dev/null 2>&1 & up /root/a/admin.rpc; BISC_GRACE=20 sh /root/let`, "no validator lives in a container"},
		{"--ledger=DIR with a blank in it", `contained --ledger="/root/b c" >/dev/null 2>&1 & up "/root/b c/admin.rpc"; BISC_GRACE=20 sh /root/let`, "no validator lives in a container"},
		{"-l DIR, after other words", `contained --no-voting -l /root/a >/dev/null 2>&1 & up /root/a/admin.rpc; BISC_GRACE=20 sh /root/let`, "no validator lives in a container"},
		{"no --ledger: the folder named ledger where it runs", `(cd /root/d; exec contained) >/dev/null 2>&1 & up /root/d/ledger/admin.rpc; BISC_GRACE=20 sh /root/let`, "no validator lives in a container"},
		{"a folder relative to where it runs", `(cd /root; exec contained -l ./a) >/dev/null 2>&1 & up /root/a/admin.rpc; BISC_GRACE=20 sh /root/let`, "no validator lives in a container"},
		{"its program was replaced meanwhile", `cd /usr/local/bin; cp agave-validator new; contained -l /root/a >/dev/null 2>&1 & up /root/a/admin.rpc; mv new agave-validator; BISC_GRACE=20 sh /root/let`, "no validator lives in a container"},
		{"another name, the same program", `contained -l /root/a >/dev/null 2>&1 & up /root/a/admin.rpc; printf other >/proc/$(pgrep -x agave-validator)/comm; BISC_GRACE=20 sh /root/let`, "no validator lives in a container"},
		{"two at once", `contained -l /root/a >/dev/null 2>&1 & contained --ledger "/root/b c" >/dev/null 2>&1 & up /root/a/admin.rpc; up "/root/b c/admin.rpc"; BISC_GRACE=20 sh /root/let`, "no validator lives in a container"},
		{"one in no container", `agave-validator -l /root/a >/dev/null 2>&1 & up /root/a/admin.rpc; BISC_GRACE=20 sh /root/let; kill -0 $!`, "validators in no container, which are left alone"},
		{"one in a container that has the host's processes", `systemd-run -q --scope --unit docker-0a1b agave-validator -l /root/a >/dev/null 2>&1 & up /root/a/admin.rpc; BISC_GRACE=20 sh /root/let`, "no validator lives in a container"},
		{"one that never exits", `STUBBORN=1 contained -l /root/a >/dev/null 2>&1 & up /root/a/admin.rpc; BISC_GRACE=2 sh /root/let`, "after 2 seconds these validators still live"},
		{"one whose socket is gone", `contained -l /root/a >/dev/null 2>&1 & up /root/a/admin.rpc; rm /root/a/admin.rpc; BISC_GRACE=2 sh /root/let`, "after 2 seconds these validators still live"},
	} {
		got := b.sh("exec 2>&1; " + running + "set +e; " + c.script + `; echo " $?"; cleanup`)
		status := "0"
		if c.want[0] == 'a' {
			status = "1"
		}
		if c.situation == "nobody lives" && got != "0" || got[len(got)-1:] != status {
			t.Errorf("%s: it says %q, want exit status %s", c.situation, got, status)
		}
		b.on(t).says(" "+got, c.want)
	}
}
