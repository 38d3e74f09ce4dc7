package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"bisc/internal/lab"
	"bisc/internal/lab/wire"
)

// notLinux is a login shell that answers as a switch does: to whatever it is asked, with complaints.
const notLinux = `
cat >/usr/local/bin/switch-shell <<'END'
#!/bin/sh
[ "$1" = -c ] && { echo "% Invalid input (at token 0: '${2%% *}')"; exit 1; }
while printf 'switch>' && read -r line; do echo "% Invalid input"; done
END
chmod 755 /usr/local/bin/switch-shell
echo /usr/local/bin/switch-shell >>/etc/shells
usermod -s /usr/local/bin/switch-shell ops`

// Fifty hosts at once: one is a hundred times farther away, one has died, one is silent, one is another machine than the
// inventory says and one is no Linux. The others finish, each of the bad ones is told in its own place with its reason, and the exit
// status says that not all was seen.
func TestFaultF37_FiftyHosts(t *testing.T) {
	const near, far = 6 * time.Millisecond, 600 * time.Millisecond
	names := make([]string, 50)
	for i := range names {
		names[i] = fmt.Sprintf("h%02d", i)
	}
	l := lab.ForTest(t, lab.Names(names...))
	slow, dead, silent, other, foreign := names[7], names[17], names[27], names[37], names[47]
	var inventory strings.Builder
	proxies := map[string]*wire.Proxy{}
	for _, name := range names {
		h, delay, keys, more := l.Host(name), near, "", []string(nil)
		switch keys = pinsOf(t, h); name {
		case slow:
			delay, more = far, append(more, `connect_timeout = "60s"`)
		case silent:
			more = append(more, `connect_timeout = "5s"`)
		case other:
			keys = pinsOf(t, l.Host(names[0]))
		}
		p, err := wire.New(h.Dial(), delay)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = p.Close() })
		proxies[name] = p
		inventory.WriteString(hostBlock(name, p.Port(), "ops", keys, h.KeyFile(), more...))
	}
	onHost(t, l.Host(foreign), notLinux)
	proxies[silent].Stall()
	if err := l.Host(dead).Kill(t.Context()); err != nil {
		t.Fatal(err)
	}
	d := newDesk(t)
	d.write(t, "hosts.hcl", inventory.String())
	d.write(t, "plan.bisc.hcl", onEach(names))

	e := d.bisc(t, "plan", "--stats")
	e.wants(t, 5, slow+": 1 in sync", proxies[silent].Addr(), proxies[dead].Addr(), "host key is not the pinned one",
		"50 hosts: 46 in sync; 4 hosts with an error")
	for _, name := range names {
		line := name + ": 1 in sync\n"
		if name == dead || name == silent || name == other || name == foreign {
			line = "? " + name + " "
		}
		if told := strings.Count(e.out, line); told != 1 {
			t.Errorf("%q is told %d times, want once", line, told)
		}
	}
	if t.Failed() {
		t.Logf("stdout:\n%s\nstderr:\n%s", e.out, e.errs)
	}
}
