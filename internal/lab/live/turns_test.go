package live

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"bisc/internal/host"
	"bisc/internal/lab/wire"
	"bisc/layers"
)

// What a plan may cost, however many resources it has.
const (
	mostTurns = 12       // a host, cold
	mostWarm  = 3        // again on the same connection
	spread    = 2        // between 10 and 1000 resources
	mostBytes = 64 << 10 // sent for 50 resources in sync
	oneWay    = 12500 * time.Microsecond
)

// crowd is what a host must have so that many(n) is in sync, for n up to 1000: a fifth of each kind.
const crowd = `
mkdir -p /srv/crowd/file /srv/crowd/dir /srv/crowd/at
cp /etc/fstab /root/fstab 2>/dev/null || :
zfs create -s -V 1G tank/crowd
mkfs.xfs -q /dev/zvol/tank/crowd
printf '[Service]\nExecStart=/bin/sleep infinity\n' >/etc/systemd/system/crowd@.service
for i in $(seq 200); do
	echo "file $i" >/srv/crowd/file/$i
	mkdir /srv/crowd/dir/$i /srv/crowd/at/$i
	echo "/dev/zvol/tank/crowd /srv/crowd/at/$i xfs defaults,nofail 0 0" >>/etc/fstab
	mount -t xfs /dev/zvol/tank/crowd /srv/crowd/at/$i
done
sysctl -N -a 2>/dev/null | grep '^net\.ipv[46]\.\(conf\|neigh\)\..*' | grep -v stable_secret | head -200 | while read -r key; do
	value=$(sysctl -n $key)
	key=$(echo $key | tr / .)
	printf '# Written by bisc: a change by hand is drift.\n%s = %s\n' "$key" "$value" >/etc/sysctl.d/90-bisc-$key.conf
	echo "$key $value"
done >/srv/crowd/keys
systemctl daemon-reload
wc -l </srv/crowd/keys`

// many is a plan of n resources.
func many(n int, keys []string) string {
	var b strings.Builder
	for i := range n {
		switch k := i/5 + 1; i % 5 {
		case 0:
			fmt.Fprintf(&b, "file \"/srv/crowd/file/%d\" {\n  content = \"file %d\\n\"\n}\n", k, k)
		case 1:
			fmt.Fprintf(&b, "directory \"/srv/crowd/dir/%d\" {\n  owner = 0\n  mode = \"0755\"\n}\n", k)
		case 2:
			key, value, _ := strings.Cut(keys[k-1], " ")
			fmt.Fprintf(&b, "sysctl %q {\n  value = %q\n}\n", key, value)
		case 3:
			fmt.Fprintf(&b, "service \"crowd@%d.service\" {\n  active = false\n}\n", k)
		case 4:
			fmt.Fprintf(&b, "mount \"/srv/crowd/at/%d\" {\n  source = \"/dev/zvol/tank/crowd\"\n  fstype = \"xfs\"\n}\n", k)
		}
	}
	return b.String()
}

// TestTurnsAndBytes counts what plans cost on the wire, before the host's sshd, and what they leave in the host's journal. No
// time is judged: a turn is what costs on a long line, however slow this machine is.
func TestTurnsAndBytes(t *testing.T) {
	o := oneHost(t, program(t))
	if got := o.sh(t, crowd); got != "200" {
		t.Fatalf("%s sysctls to look at, want 200", got)
	}
	keys := strings.Split(o.sh(t, "cat /srv/crowd/keys"), "\n")
	direct := o.at
	p, err := wire.New(direct, oneWay)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	o.at = p.Addr()

	turns := map[int]int64{}
	dear := func(n int) bool {
		return turns[n] > mostTurns || turns[n] > turns[10]+spread || turns[10] > turns[n]+spread
	}
	count := func(n int) {
		stages := o.load(t, many(n, keys))
		p.Reset()
		before := o.logins(t)
		rep := o.plan(t, stages, layers.Options{})
		if text(rep) != "" {
			t.Fatalf("%d resources: not in sync:\n%.2000s", n, text(rep))
		}
		c, after := p.Counters(), o.logins(t)
		cost := c.Connections + c.Turns // the first turn is that of the connection itself
		if was, ok := turns[n]; !ok || cost < was {
			turns[n] = cost
		}
		t.Logf("%4d resources: %d turns, %d bytes sent, %d received", n, cost, c.Up, c.Down)
		if n == 50 && c.Up > mostBytes {
			t.Errorf("%d resources cost %d bytes sent, at most %d are allowed", n, c.Up, mostBytes)
		}
		if in, sudo := after.accepted-before.accepted, after.sudo-before.sudo; in != 1 || sudo != 1 || c.Connections != 1 {
			t.Errorf("%d resources cost %d connections, %d logins and %d sudo, want one each", n, c.Connections, in, sudo)
		}
	}
	for _, n := range []int{10, 50, 100, 1000} {
		count(n)
		for again := 0; again < 4 && dear(n); again++ { // a busy machine may send what was asked together apart: the least is what it costs
			count(10)
			count(n)
		}
		if dear(n) {
			t.Errorf("%d resources cost %d turns: at most %d are allowed, and 10 resources cost %d", n, turns[n], mostTurns, turns[10])
		}
	}
}

// A second plan on the same connection costs no more than what is asked.
func TestTurnsWarm(t *testing.T) {
	o := oneHost(t, program(t))
	o.sh(t, crowd)
	stages := o.load(t, many(100, strings.Split(o.sh(t, "cat /srv/crowd/keys"), "\n")))
	p, err := wire.New(o.at, oneWay)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	o.at = p.Addr()
	s := o.session(t)
	defer s.close(t)
	h, err := s.Reader(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	for again := 0; again < 2 || again < 6 && p.Counters().Turns > mostWarm; again++ {
		p.Reset()
		rep := layers.ObserveAll(t.Context(), stages, same{h}, layers.Options{})
		if err := rep[0].Err; err != nil || text(rep) != "" {
			t.Fatalf("plan: %v\n%s", err, text(rep))
		}
	}
	if c := p.Counters(); c.Turns > mostWarm || c.Turns == 0 {
		t.Errorf("a second plan cost %d turns, at most %d are allowed", c.Turns, mostWarm)
	}
}

// same is one connection for every round.
type same struct{ h host.Reader }

func (s same) Reader(context.Context, string) (host.Reader, error) { return s.h, nil }
func (s same) Writer(context.Context, string) (host.Writer, error) { return nil, errors.ErrUnsupported }

// logins is what the host's own journal has counted.
type logins struct{ accepted, sudo int }

func (o *operator) logins(t *testing.T) (n logins) {
	t.Helper()
	text := o.sh(t, `journalctl --sync
		journalctl -q -o cat _COMM=sshd | grep -c '^Accepted publickey for ops ' || :
		journalctl -q -o cat _COMM=sudo | grep -c ' ; COMMAND=' || :`)
	if _, err := fmt.Sscan(text, &n.accepted, &n.sudo); err != nil {
		t.Fatalf("the journal says %q: %v", text, err)
	}
	return n
}
