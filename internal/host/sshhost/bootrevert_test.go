package sshhost

import (
	"errors"
	"testing"
	"time"

	"bisc/internal/host"
	"bisc/internal/lab"
)

// The host is switched off and on while nobody has said that a change may stay. systemd has read the change's units by the time
// that the boot takes their files back: what they would do is not done all the same.
func TestFaultF34_BootDoesNotDoWhatWasTakenBack(t *testing.T) {
	h := lab.ForTest(t, lab.Names("unproved")).Host("unproved")
	shell := outOfBand(h)
	const folder = "/etc/systemd/system/"
	unit := func(name, address string) string {
		return `printf '[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=ip address replace ` + address + `/32 dev lo\n[Install]\nWantedBy=multi-user.target\n' >` +
			folder + name + `; systemctl daemon-reload; systemctl enable -q --now ` + name + "\n"
	}
	shell(t, unit("bisc-net-old.service", "192.0.2.7"))
	w := writer(t, pool(t), config(h, "ops"), "run")
	undo := host.Undo{Run: "r", Address: "h:x", Reason: "the test", Within: 10 * time.Minute, Units: []string{"bisc-net-old.service", "bisc-net-new.service"},
		Files: []host.UndoFile{{Path: folder + "bisc-net-old.service"}, {Path: folder + "bisc-net-new.service"}, {Path: folder + "multi-user.target.wants/bisc-net-new.service"}}}
	if err := w.Arm(t.Context(), undo); err != nil {
		t.Fatal(err)
	}
	shell(t, unit("bisc-net-old.service", "192.0.2.8")+unit("bisc-net-new.service", "192.0.2.9"))
	if err := h.Reboot(t.Context()); err != nil {
		t.Fatal(err)
	}
	shell(t, `systemctl is-system-running --wait >/dev/null || true; test -e /var/lib/bisc/armed/done; cat /var/lib/bisc/armed/log; ip -br address show dev lo
		test "$(cat /var/lib/bisc/armed/done)" = 0; ! ip -br address show dev lo | grep -E '192.0.2.8|192.0.2.9'; ip -br address show dev lo | grep -q 192.0.2.7; test ! -e `+folder+`bisc-net-new.service`)
}

// A unit of a packet rule puts it at the head when it runs: after a revert the rules stand in the order of before all the same.
func TestRevertKeepsTheOrderOfRules(t *testing.T) {
	h := lab.ForTest(t, lab.Names("order")).Host("order")
	shell := outOfBand(h)
	const unit = "bisc-net-filter-second.service"
	shell(t, `iptables -A INPUT -p udp --dport 1 -j ACCEPT; iptables -A INPUT -p udp --dport 2 -j ACCEPT
		printf '[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=-iptables -D INPUT -p udp --dport 2 -j ACCEPT\nExecStart=iptables -I INPUT 1 -p udp --dport 2 -j ACCEPT\n' >/etc/systemd/system/`+unit+`
		systemctl daemon-reload; systemctl start `+unit+`; iptables -D INPUT 1; iptables -A INPUT -p udp --dport 2 -j ACCEPT; iptables -S INPUT >/root/before`)
	w := writer(t, pool(t), config(h, "ops"), "run")
	if err := w.Arm(t.Context(), host.Undo{Run: "r", Address: "h:x", Reason: "the test", Within: 10 * time.Minute, Units: []string{unit}, Firewall: true}); err != nil {
		t.Fatal(err)
	}
	shell(t, "iptables -F INPUT")
	var done *host.RevertedError
	if err := w.Revert(t.Context()); !errors.As(err, &done) || done.Failed != 0 {
		t.Errorf("revert: %v", err)
	}
	shell(t, "iptables -S INPUT | diff - /root/before")
}
