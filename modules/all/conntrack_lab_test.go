package all

import (
	"testing"

	"bisc/internal/lab"
	"bisc/modules/network"
)

// A flow that never pauses goes on to the address that its first packet was sent to, past a rule that is right.
func TestConntrackFlowOnAHost(t *testing.T) {
	t.Parallel()
	b := newBench(t, lab.HostOptions{Name: "flows"})
	b.shell(t, `ip link add v0 type veth peer name v1; ip link set v0 up; ip link set v1 up; ip address add 192.0.2.1/24 dev v0; ip neigh add 192.0.2.81 lladdr 02:00:00:00:00:81 dev v0
cat >/tmp/sent.py <<'END'
import socket
ears = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
for i, ear in enumerate(ears):
    ear.bind(("127.0.0.%d" % (i + 1), 9000)); ear.settimeout(0.5)
mouth = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
mouth.bind(("192.0.2.1", 7777)); mouth.sendto(b"x", ("192.0.2.81", 20000))
for i, ear in enumerate(ears):
    try:
        ear.recv(9); print("node", i + 1)
    except TimeoutError:
        pass
END`)
	rule := func(to string) *network.NATRule {
		return &network.NATRule{Name: "shreds", Action: "dnat", Chain: "OUTPUT", Protocol: "udp", Destination: "192.0.2.81", Port: "20000", To: to + ":9000", Position: "first"}
	}
	flow := func(mend bool) *network.ConntrackFlow {
		return &network.ConntrackFlow{Name: "shreds", Protocol: "udp", Destination: "192.0.2.81", Port: 20000, Node: "127.0.0.2", Mend: mend}
	}
	received := func(want string) {
		t.Helper()
		if got := b.said(t, "python3 /tmp/sent.py"); got != want {
			t.Errorf("a packet came to %q, want %q", got, want)
		}
	}
	b.wants(t, stage(t, b.Lab.Name, flow(false)))
	b.apply(t, stage(t, b.Lab.Name, rule("127.0.0.1")))
	received("node 1")
	b.apply(t, stage(t, b.Lab.Name, rule("127.0.0.2")))
	b.wants(t, stage(t, b.Lab.Name, rule("127.0.0.2")))
	received("node 1") // the rule is right, and it makes no difference

	const stale = "now flow udp 192.0.2.1:7777 > 192.0.2.81:20000"
	b.wants(t, stage(t, b.Lab.Name, flow(false)), "?"+stale)
	mending := stage(t, b.Lab.Name, flow(true))
	b.wants(t, mending, stale)
	b.shell(t, "conntrack -I -p udp -s 192.0.2.1 -d 192.0.2.81 --sport 7778 --dport 20001 --reply-src 127.0.0.1 --reply-dst 192.0.2.1 --reply-port-src 9000 --reply-port-dst 7778 -t 100")
	b.apply(t, mending)
	b.empty(t, mending, "after the entry was taken away")
	received("node 2")
	b.empty(t, mending, "with the new entry")
	b.shell(t, "conntrack -L -p udp 2>/dev/null | grep -q 'dport=20001'") // another flow's entry is as it was
}
