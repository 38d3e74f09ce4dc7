package main

import (
	"strings"
	"testing"
)

// Login shells that talk, that are none, and that only look like one.
func TestLoginShells(t *testing.T) {
	t.Parallel()
	h := ownHost(t)
	onHost(t, h, `
make() { useradd --create-home --shell "$2" "$1"; echo "$1 ALL=(ALL) NOPASSWD: ALL" >"/etc/sudoers.d/$1"
  install -d -m 700 -o "$1" -g "$1" "/home/$1/.ssh"; install -m 600 -o "$1" -g "$1" "$3" "/home/$1/.ssh/authorized_keys"; }
keys=$(ls /home/ops/.ssh/authorized_keys /etc/ssh/authorized_keys/ops /etc/ssh/authorized_keys 2>/dev/null | head -1)
make noisy /bin/bash "$keys"; make plain /bin/sh "$keys"; make nologin /usr/sbin/nologin "$keys"; make false /bin/false "$keys"; make rubbish /usr/local/bin/rubbish "$keys"; make csh /usr/local/bin/csh "$keys"
cat >/home/noisy/.bashrc <<'EOF'
printf '\033[31mWelcome!\033[0m\r\n'; i=0; while [ $i -lt 3000 ]; do echo "noise $i BISC \0 } { [" ; i=$((i+1)); done; echo oops >&2
EOF
cat >/usr/local/bin/rubbish <<'EOF'
#!/bin/sh
echo 'SWITCH> '; echo '% Invalid input'; exit 1
EOF
cat >/usr/local/bin/csh <<'EOF'
#!/usr/bin/perl
# As csh: no $(...), no 2>&1, and ! is history in quotes that are not single.
my $c = $ARGV[1]; if ($c =~ /\$\(|2>&1|!/) { print STDERR "Illegal variable name.\n"; exit 1 }
exec "/bin/sh", "-c", $c;
EOF
chmod 755 /usr/local/bin/rubbish /usr/local/bin/csh; echo 'Banner /etc/issue' >/etc/ssh/sshd_config.d/banner.conf; systemctl restart ssh.service
`)
	d, names := newDesk(t), []string{"noisy", "plain", "csh", "nologin", "false", "rubbish"}
	var text strings.Builder
	for _, n := range names {
		text.WriteString(hostBlock(n, h.Port(), n, pinsOf(t, h), h.KeyFile()))
	}
	d.write(t, "hosts.hcl", text.String())
	d.write(t, "plan.bisc.hcl", onEach(names))
	e := d.bisc(t, "plan")
	e.wants(t, 5, "noisy: 1 in sync", "plain: 1 in sync", "csh: 1 in sync", "3 hosts with an error",
		"This account is currently not available", "does the login shell of rubbish run commands", "% Invalid input")
	clean(t, "plan", e)
	if n := strings.Count(e.out, "host not reachable"); n != 3 {
		t.Errorf("the reason is told %d times for 3 hosts:\n%s", n, e.out)
	}
}

// A host without a machine id is no host to be sure of.
func TestNoMachineID(t *testing.T) {
	t.Parallel()
	h := ownHost(t)
	d := deskFor(t, h)
	d.write(t, "plan.bisc.hcl", onEach([]string{"a"}))
	onHost(t, h, "mv /etc/machine-id /root/machine-id")
	for _, args := range [][]string{{"plan"}, {"apply", "--auto-approve"}} {
		e := d.bisc(t, args...)
		if e.status == 0 || !strings.Contains(e.all(), "/etc/machine-id") {
			t.Errorf("exit %d: %s", e.status, e.all())
		}
	}
}

// A program that a kind needs and that is not there leaves its resources unknown, names itself and what to do; the
// others are reported.
func TestMissingTools(t *testing.T) {
	t.Parallel()
	h := ownHost(t)
	d := deskFor(t, h)
	onHost(t, h, `for p in apt-mark dpkg-query sysctl findmnt; do f=$(command -v "$p") && mv "$f" "$f.away"; done; true`)
	d.write(t, "plan.bisc.hcl", `layer "units" {
  on = "a"
  file "/etc/never-there" {
    absent = true
  }
  package "sudo" {
    held = true
  }
  command "no such probe" {
    unless = ["no-such-program", "--check"]
    argv   = ["true"]
  }
}
`)
	e := d.bisc(t, "plan")
	e.wants(t, 7, "? a:units.package[sudo]", "dpkg-query", `? a:units.command["no such probe"]`, "no-such-program", "1 in sync")
	e = d.bisc(t, "apply", "--auto-approve")
	e.wants(t, 7, "dpkg-query")
}

// systemctl is away: what asks systemd is unknown, the rest is not.
func TestMissingSystemctl(t *testing.T) {
	t.Parallel()
	h := ownHost(t)
	d := deskFor(t, h)
	onHost(t, h, `f=$(command -v systemctl); mv "$f" "$f.away"`)
	t.Cleanup(func() { onHostQuietly(h, `mv /usr/bin/systemctl.away /usr/bin/systemctl`) })
	d.write(t, "plan.bisc.hcl", `layer "units" {
  on = "a"
  file "/etc/never-there" {
    absent = true
  }
  service "cron.service" {
    active = true
  }
}
`)
	e := d.bisc(t, "plan")
	e.wants(t, 7, "? a:units.service[cron.service]", "systemctl", "1 in sync")
}

// A probe that never ends and a file that never answers are unknown; the others are reported.
func TestFaultF20_ProbesThatHang(t *testing.T) {
	t.Parallel()
	h := ownHost(t)
	d := deskFor(t, h)
	onHost(t, h, `rm -f /etc/hanging; mkfifo /etc/hanging /etc/sysctl.d/50-hanging.conf; mv /etc/fstab /etc/fstab.away || true; mkfifo /etc/fstab`)
	d.write(t, "plan.bisc.hcl", `layer "storage" {
  on = "a"
  mount "/srv/x" {
    source = "/dev/vdz"
    fstype = "xfs"
  }
}
layer "units" {
  on = "a"
  file "/etc/never-there" {
    absent = true
  }
  file "/etc/hanging" {
    content = "x"
  }
  sysctl "net.ipv4.tcp_keepalive_time" {
    value = "600"
  }
  command "probe" {
    unless = ["sleep", "3600"]
    argv   = ["true"]
  }
}
`)
	e := d.bisc(t, "plan")
	e.wants(t, 7, "? a:units.command[probe]", "1 in sync", "a:units.file[/etc/hanging]", "a:storage.mount[/srv/x]")
	// The agent ends them when bisc has gone; nobody waits for that, so it may take a moment.
	if left := onHost(t, h, `for n in $(seq 600); do pgrep -f '^sleep 3600$' >/dev/null || exit 0; sleep 0.1; done; pgrep -af '^sleep 3600$'`); left != "" {
		t.Errorf("probes were left behind: %s", left)
	}
	e = d.bisc(t, "plan", "--timeout", "4s")
	e.wants(t, 7, "--timeout 4s is over")
	e = d.bisc(t, "plan", "--no-probes", "--target", "*command*")
	e.wants(t, 7, "a:units.command[probe]")
}

// sudo's password: asked once, for once, and seen by nobody on the host.
func TestPasswordOfSudo(t *testing.T) {
	t.Parallel()
	const password = "kanarienvogel-8231"
	h := ownHost(t)
	onHost(t, h, `echo "pw:$1" | chpasswd`, password)
	d := newDesk(t)
	d.env = append(d.env, "CLI_PASSWORD="+password)
	d.write(t, "hosts.hcl", hostBlock("a", h.Port(), "pw", pinsOf(t, h), h.KeyFile(), `become_password_env = "CLI_PASSWORD"`))
	d.write(t, "plan.bisc.hcl", `layer "units" {
  on = "a"
  command "look" {
    unless = ["sh", "-c", "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ >/root/seen 2>/dev/null; test -e /root/done"]
    argv   = ["touch", "/root/done"]
  }
}
`)
	for _, args := range [][]string{{"plan", "-v", "--wire"}, {"plan", "--json"}, {"apply", "--auto-approve", "--stats", "-v"}} {
		e := d.bisc(t, args...)
		if strings.Contains(e.all(), password) {
			t.Errorf("bisc %v printed the password", args)
		}
	}
	if seen := onHost(t, h, "tr '\\0' '\\n' </root/seen"); !strings.Contains(seen, "sudo") || strings.Contains(seen, password) {
		t.Errorf("the host's process table, while bisc was at work:\n%s", seen)
	}
	onHost(t, h, "! grep -rq -- "+password+" /var/log /run/bisc /var/lib/bisc && journalctl --sync && ! journalctl --no-pager | grep -q -- "+password)
	opened := onHost(t, h, `journalctl --no-pager | grep -c 'sudo.*session opened for user root' || true`)
	if opened != "3" {
		t.Errorf("sudo opened %s sessions in 3 runs:\n%s", opened, onHost(t, h, "journalctl --no-pager | grep sudo"))
	}
}
