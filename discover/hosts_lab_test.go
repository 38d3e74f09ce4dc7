package discover_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestPlainDebian: a host that is no validator's gets a small plan, of which nothing differs, and nothing is written on it.
func TestPlainDebian(t *testing.T) {
	b := newBench(t, false, false)
	before, err := b.host.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	said := b.bisc(0, "discover", "biscayne", "--out", "found", "--stats")
	after, err := b.host.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if wrote := before.Diff(after); len(wrote) > 0 {
		t.Errorf("discover wrote on the host:\n%s", strings.Join(wrote, "\n"))
	}
	if !strings.Contains(said, "biscayne: none of the known variants") || !strings.Contains(said, ", 0 of them not as they ought to be") {
		t.Errorf("discover says\n%s", said)
	}
	t.Logf("%s", said)
	// What is asked goes in a few waves, however much the host has: four of reading, three of observing, and those of the login.
	if m := regexp.MustCompile(`\n +biscayne +(\d+) `).FindStringSubmatch(said); m == nil {
		t.Errorf("--stats tells no turns:\n%s", said)
	} else if n, _ := strconv.Atoi(m[1]); n > 13 {
		t.Errorf("discover took %d turns, want at most 13", n)
	}
	b.good()
	b.bisc(0, "plan", "--plans", "found")
	for _, kind := range []string{"mount \"", "bind \"", "tmpfs \"", "ramdisk \"", "zvol \"", "zfs_dataset \"", "drop_in \"", "directory \""} {
		if strings.Contains(b.found(), "\n  "+kind) {
			t.Errorf("the plan of a plain host has a %s:\n%s", kind, b.found())
		}
	}
	b.occupied()
	// What a host cannot tell is unknown, and not absent: here a zpool that fails.
	b.sh(`printf '#!/bin/sh\necho the module is not loaded >&2; exit 1\n' >/usr/local/sbin/zpool; chmod 755 /usr/local/sbin/zpool`)
	if said := b.bisc(7, "discover", "biscayne", "--json"); !strings.Contains(said, `"state": "unknown"`) || !strings.Contains(said, "the module is not loaded") {
		t.Errorf("discover says\n%s", said)
	}
}

// occupied: a folder that holds a plan is not written into, but with --force, and that replaces.
func (b *bench) occupied() {
	b.Helper()
	name := filepath.Join(b.dir, "found", "storage.bisc.hcl")
	written, err := os.ReadFile(name)
	if err != nil {
		b.Fatal(err)
	}
	b.write("found/storage.bisc.hcl", "# mine\n")
	if said := b.bisc(1, "discover", "biscayne", "--out", "found"); !strings.Contains(said, "found holds a plan already (storage.bisc.hcl)") || !strings.Contains(said, "--force") {
		b.Errorf("discover says %s", said)
	}
	if now, _ := os.ReadFile(name); string(now) != "# mine\n" {
		b.Errorf("without --force the plan became\n%s", now)
	}
	b.bisc(0, "discover", "biscayne", "--out", "found", "--force")
	if now, _ := os.ReadFile(name); string(now) != string(written) {
		b.Errorf("with --force the plan is\n%s\nwant\n%s", now, written)
	}
}

// hostile is a host whose names are what names may be.
const hostile = `
truncate -s 64M /root/disk
mkdir -p '/srv/with blank' '/srv/tab	and' '/srv/a "quote"' "/srv/line
end" '/srv/${dollar}' '/srv/%{percent}' /srv/$(printf '\374ml')
mount -t tmpfs -o size=1M 'blank source' '/srv/with blank'
printf 'tmpfs /srv/with\\040blank tmpfs size=1M,nofail 0 0\n' >>/etc/fstab
mount -t tmpfs -o size=1M quote '/srv/a "quote"'
mount -t tmpfs -o size=1M tab '/srv/tab	and'
mount -t tmpfs -o size=1M dollar '/srv/${dollar}'
printf 'tmpfs /srv/${dollar} tmpfs size=1M,nofail 0 0\ntmpfs /srv/%%{percent} tmpfs size=1M,nofail 0 0\n' >>/etc/fstab
mount -t tmpfs -o size=1M percent '/srv/%{percent}'
mount -t tmpfs -o size=1M line "/srv/line
end"
mount -t tmpfs -o size=1M latin /srv/$(printf '\374ml')
cat >'/etc/systemd/system/escaped\x2dname.service' <<'UNIT'
[Unit]
Description=a "quoted" ${name} %{percent} \
  that goes on
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c 'echo "${HOME}" %%h'
[Install]
WantedBy=multi-user.target
UNIT
printf '[Service]\nType=oneshot\nExecStart=/bin/true\n# EOT\nEOT\n  EOT1\n' >/etc/systemd/system/eot.service
printf '[Service]\r\nExecStart=/bin/true\r\n' >/etc/systemd/system/windows.service
printf 'not a unit\n' >/etc/systemd/system/broken.service
printf '[Service]\nExecStart=/bin/true\n' >"/etc/systemd/system/a b.service"
mkdir -p /etc/systemd/system/ssh.service.d /etc/systemd/system/path.d
printf '[Service]\nEnvironment="A=${x}"\n' >"/etc/systemd/system/ssh.service.d/with blank.conf"
printf '[Unit]\nX-Everywhere=1\n' >/etc/systemd/system/path.d/all.conf
printf 'options dummy numdummies=1\n' >'/etc/modprobe.d/a"b.conf'
printf '# new\nline\n' >"/etc/modprobe.d/new
line.conf"
printf 'Defaults !lecture\n' >'/etc/sudoers.d/with blank'
chmod 440 '/etc/sudoers.d/with blank'
printf 'caf\303\251 e\314\201 \033[31mred\n# ${x} %%{if}\n' >/etc/sysctl.d/50-odd.conf
printf 'secret' >/etc/sysctl.d/60-hidden.conf; chmod 600 /etc/sysctl.d/60-hidden.conf
printf '\377\376' >/etc/sysctl.d/70-binary.conf
systemctl daemon-reload; systemctl enable -q 'escaped\x2dname.service'; systemctl start 'escaped\x2dname.service'
`

// TestHostileNames: what a host may call its things becomes a plan that is valid and in the one form, of which nothing
// differs but what does, and what cannot be said is said to be left out.
func TestHostileNames(t *testing.T) {
	b := newBench(t, false, false)
	b.sh(hostile)
	said := b.bisc(0, "discover", "biscayne", "--out", "found")
	b.good()
	plan := b.bisc(2, "plan", "--plans", "found")
	if got, want := strings.Join(b.differing(plan), " "), `tmpfs["/srv/a \"quote\""]`; got != want {
		t.Errorf("the plan differs in %s, want %s\n%s\n%s", got, want, said, plan)
	}
	for _, kept := range []string{`tmpfs "/srv/with blank"`, `tmpfs "/srv/$${dollar}"`, `tmpfs "/srv/%%{percent}"`, `unit "escaped\\x2dname.service"`, `unit "windows.service"`,
		`drop_in "ssh.service/with blank"`, `file "/etc/modprobe.d/a\"b.conf"`, `file "/etc/sudoers.d/with blank"`} {
		if !strings.Contains(b.found(), "\n  "+kept+" {\n") {
			t.Errorf("the plan has no %s:\n%s", kept, b.found())
		}
	}
	for _, left := range []string{`tmpfs /srv/line\nend: `, `tmpfs /srv/tab\tand: `, `tmpfs /srv/\xfcml: `, "drop_in path/all: ", `file /etc/modprobe.d/new\nline.conf: `, "file /etc/sysctl.d/50-odd.conf: ",
		"file /etc/sysctl.d/60-hidden.conf: not everybody may read it", "file /etc/sysctl.d/70-binary.conf: ", "unit a b.service: ", "unit broken.service: ", "unit eot.service: "} {
		if !strings.Contains(said, "\n  "+left) {
			t.Errorf("discover does not say that it leaves out %s:\n%s", left, said)
		}
	}
	_, gone, _ := strings.Cut(said, "\nnot in the plan, gone after a reboot:\n")
	for _, name := range []string{`/srv/line\nend`, `/srv/tab\tand`, `/srv/\xfcml`} {
		if !strings.Contains(gone, "  tmpfs "+name) {
			t.Errorf("discover does not say that a reboot loses %s:\n%s", name, said)
		}
	}
}

// ephemeral is what runs and is configured now, and is nowhere that a boot reads.
const ephemeral = `
systemd-run -q --unit=run-by-hand --service-type=exec /usr/bin/python3 -m http.server 9191
cat >/root/listen <<'PROGRAM'
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("127.0.0.1", 9100)); open("/run/listens", "w"); time.sleep(1000)
PROGRAM
systemd-run -q --scope --slice=user-0.slice --unit=session-77 /usr/bin/python3 /root/listen >/dev/null 2>&1 </dev/null &
iptables -t nat -A PREROUTING -d 192.0.2.7/32 -p udp -m udp --dport 8001 -j DNAT --to-destination 172.20.0.2
iptables -I FORWARD -s 192.0.2.8/32 -j ACCEPT
mkdir -p /etc/iptables; printf '*filter\n-A FORWARD -s 192.0.2.8/32 -j ACCEPT\nCOMMIT\n' >/etc/iptables/rules.v4
printf '01 0 * * * root PASSWORD=hush /root/backlog.sh now\n@reboot root /root/at-boot\nMAILTO=x\n' >/etc/cron.d/backlog
mkdir -p /tmp/image/proc /srv/kind/data; tar -C /tmp/image -c . | docker import - lab:1 >/dev/null
run() { docker run -d --name "$@" -v /bin:/bin:ro -v /lib:/lib:ro -v /lib64:/lib64:ro -v /usr:/usr:ro -v /srv/kind/data:/mnt -e SECRET=hush lab:1 /usr/bin/sleep 1000 >/dev/null; }
run node --label io.x-k8s.kind.cluster=laconic; run kept --restart always
mkdir -p /etc/systemd/system/docker.service.d /srv/kind
printf '[Unit]\nDescription=kept\nRequiresMountsFor=/srv/kind\nRequires=docker.socket srv-kind.mount\nAfter=srv-kind.mount\n' >/etc/systemd/system/docker.service.d/mounts.conf
printf 'tmpfs /srv/kind tmpfs size=1M,nofail 0 0\n' >>/etc/fstab
systemctl daemon-reload
n=0; while [ ! -e /run/listens ] && [ $n -lt 300 ]; do n=$((n+1)); sleep 0.1; done; test -e /run/listens
`

// TestWhatABootLoses: what runs now and no boot brings back is told apart from what it does; and docker's bond to a mount is
// loosened in the plan.
func TestWhatABootLoses(t *testing.T) {
	b := newBench(t, false, true)
	b.sh(ephemeral)
	said := b.bisc(0, "discover", "biscayne", "--out", "found")
	outside, gone, _ := strings.Cut(said, "\nnot in the plan, gone after a reboot:\n")
	for _, words := range []string{"listener python3 on udp:9100: process ", "(session-77.scope)", "unit run-by-hand.service: a transient unit",
		"kind node node: of cluster laconic;", "sees /bin, /lib, /lib64, /srv/kind/data, /usr; runs, and has no restart policy", "packet rule IPv4 nat -A PREROUTING -d 192.0.2.7/32 "} {
		if !strings.Contains(gone, words) {
			t.Errorf("a boot loses %q, and discover does not say so:\n%s", words, said)
		}
	}
	for _, words := range []string{"container kept: ", "runs, restart always", "cron /etc/cron.d/backlog: 01 0 * * * ", "cron /etc/cron.d/backlog: @reboot /root/at-boot ..."} {
		if !strings.Contains(outside, words) {
			t.Errorf("discover does not say %q of what a boot keeps:\n%s", words, said)
		}
	}
	if strings.Contains(said+b.found(), "hush") || strings.Contains(said, "192.0.2.8") || strings.Contains(said, "-j DOCKER") {
		t.Errorf("discover tells a secret, or a rule that a boot restores:\n%s", said)
	}
	b.good()
	plan := b.bisc(2, "plan", "--plans", "found")
	for _, words := range []string{"-RequiresMountsFor=/srv/kind", "-Requires=docker.socket srv-kind.mount", "+Requires=docker.socket", "+Wants=srv-kind.mount", "+AssertPathIsMountPoint=/srv/kind"} {
		if !strings.Contains(plan, words) {
			t.Errorf("the plan does not say %s:\n%s", words, plan)
		}
	}
	if got := strings.Join(b.differing(plan), " "); got != "tmpfs[/srv/kind] drop_in[docker.service/mounts]" {
		t.Errorf("the plan differs in %s\n%s", got, plan)
	}
}
