package main

import (
	"strings"
	"testing"

	"bisc/cmd/bisc/view"
)

// sickPlan has what a validator's host is asked about. On a host without docker and without a cluster each is unknown, or says that
// there is none.
const sickPlan = `layer "kind" {
  on = "a"
  kind_node "lab-control-plane" {
    cluster = "lab"
  }
}
layer "agave" {
  on      = "a"
  assumes = []
  invariant "it keeps up" {
    because = "a gap that does not close never will"
    validator_health "lab" {
      rpc = "http://127.0.0.1:8899"
    }
  }
  invariant "there is a snapshot" {
    because = "a start needs one"
    snapshot "/srv/facts" {
      cluster_rpc = "http://127.0.0.1:8898"
    }
  }
}
`

// TestStatusOfASickHost: what docker, the RPC and the cluster do not tell is unknown, and named; the process, its memory, the
// snapshots and the jobs are shown all the same, and nothing hangs.
func TestStatusOfASickHost(t *testing.T) {
	t.Parallel()
	h := ownHost(t)
	onHost(t, h, `mkdir -p /srv/facts; echo x >/srv/facts/snapshot-100-Ab.tar.zst
		mkdir -p /var/lib/bisc/jobs/fetch; cd /var/lib/bisc/jobs/fetch
		cat /proc/sys/kernel/random/boot_id >boot; date +%s >started; echo 600 >limit; printf 'x\n 41%% of it\n' >output; : >lock
		systemd-run -q --unit=bisc-job-fetch.service /bin/sleep infinity
		cp /bin/sleep /root/agave-validator
		systemd-run -q --unit=facts-validator /root/agave-validator infinity`)
	d := deskFor(t, h)
	d.write(t, "p.bisc.hcl", sickPlan)
	e := d.bisc(t, "status", "--limit", "60s")
	e.wants(t, view.ExitUnknown, "? node ", "validator", "agave-validator", "memory ", "its RPC at http://127.0.0.1:8899 is silent",
		"snapshots  /srv/facts: 1 pair; full 100 alone", "jobs       fetch running for", "41% of it")
	one := statusJSON(t, d.bisc(t, "status", "--json", "--limit", "60s").out)
	topics := map[string]bool{}
	for _, f := range one["facts"].([]any) {
		topics[f.(map[string]any)["topic"].(string)] = true
	}
	for _, want := range []string{"validator", "memory", "slots", "node", "snapshots", "jobs"} {
		if !topics[want] {
			t.Errorf("no fact about %s: %v", want, topics)
		}
	}
	// A docker that takes a connection and never answers holds up nothing but its own fact.
	onHost(t, h, `systemd-run -q --unit=facts-docker /usr/bin/perl -MIO::Socket::UNIX -e 'unlink "/run/docker.sock"; $s = IO::Socket::UNIX->new(Local => "/run/docker.sock", Listen => 5) or die; sleep 1000'
		until [ -S /run/docker.sock ]; do sleep 0.05; done`)
	hung := d.bisc(t, "status", "--limit", "9s")
	hung.wants(t, view.ExitUnknown, "? node ", "memory ", "snapshots  /srv/facts: 1 pair")
	if !strings.Contains(hung.out, "no answer in") {
		t.Errorf("a docker that hangs is not said to:\n%s", hung.out)
	}
	onHost(t, h, "systemctl stop facts-docker facts-validator bisc-job-fetch")
}
