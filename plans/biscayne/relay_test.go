package biscayne_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestRelay breaks the relay on a host that was all that the plan says: each is named, and mended, and a validator that lives
// beside it lives on, for nothing of this layer touches docker.
func TestRelay(t *testing.T) {
	b := newBench(t, "plain")
	b.apply()
	b.sh("cp /bin/sleep /root/agave-validator; /root/agave-validator 1000000 >/dev/null 2>&1 &")
	docker := b.sh("systemctl show -p ActiveEnterTimestampMonotonic docker")
	const program, unit = "/usr/local/lib/bisc/relay/shredunwrap", "/etc/systemd/system/bisc-shredunwrap.service"
	for _, c := range []struct{ situation, script, says string }{
		{"the program was replaced by hand, and runs", "cd " + strings.TrimSuffix(program, "/shredunwrap") + "; cp -p shredunwrap x; echo y >>x; mv x shredunwrap; systemctl restart bisc-shredunwrap", "relay_service[shredunwrap] running: sha256:"},
		{"the program is for another machine", "printf '\\267' >/tmp/arm; cp -p " + program + " /tmp/x; dd if=/tmp/arm of=/tmp/x bs=1 seek=18 conv=notrunc status=none; mv /tmp/x " + program, "relay_binary[shredunwrap] program: sha256:"},
		{"a process of an old program", "cp -p " + program + " /tmp/right; cp -p /tmp/right /tmp/old; echo y >>/tmp/old; mv /tmp/old " + program + "; systemctl restart bisc-shredunwrap; mv /tmp/right " + program, "the unwrapper is the one that was installed running: "},
		{"the unit was edited", "sleep 1.1; sed -i s/^Nice=.*/Nice=19/ " + unit + "; systemctl daemon-reload; systemctl restart bisc-shredunwrap", "relay_service[shredunwrap] unit: "},
		{"the settings were edited", "sleep 1.1; sed -i s/9000/9001/ /etc/bisc/relay/shredunwrap.conf; systemctl restart bisc-shredunwrap", "relay_service[shredunwrap] settings: "},
		{"a socket was stopped", "systemctl stop bisc-shredunwrap-ip.socket", "relay_service[shredunwrap] active: inactive"},
		{"the meter was stopped and will not start", "systemctl disable --now bisc-shredmeter", "relay_service[shredmeter] active: inactive"},
	} {
		t.Run(c.situation, func(t *testing.T) {
			b := b.on(t)
			b.sh(c.script)
			of, what, _ := strings.Cut(c.says, " ")
			if !strings.HasPrefix(of, "relay_") {
				of, what = "the unwrapper is the one that was installed", strings.TrimPrefix(c.says, "the unwrapper is the one that was installed ")
			}
			b.says(b.bisc(3, "drift"), of, what)
			b.apply()
			b.green("mended")
		})
	}
	if now := b.sh("systemctl show -p ActiveEnterTimestampMonotonic docker"); now != docker {
		t.Errorf("docker was restarted: %s, before %s", now, docker)
	}
	b.sh("kill $(pgrep -x agave-validator)") // it lived through all of it; a host that shuts down would wait for it
	t.Run("it lives in no terminal, and comes with the boot (incident 37)", func(t *testing.T) {
		b := b.on(t)
		b.reboot()
		b.settled()
		b.sh("systemctl is-active bisc-shredunwrap bisc-shredunwrap-ip.socket bisc-shredmeter")
		b.green("after a boot")
	})
}

// The plan is good on every inventory, the real one among them, in every design; nothing is dialled.
func TestThePlanIsGood(t *testing.T) {
	for _, inventory := range []string{"laconic", "lab", "machine"} {
		for _, design := range []string{"mirror", "dnat", "ashburn"} {
			cmd := exec.CommandContext(t.Context(), filepath.Join(programs, "bisc"), "validate", "--set", "relay_design="+design)
			cmd.Env = append(os.Environ(), "BISC_PLANS=.", "BISC_INVENTORY=../../inventory/"+inventory+".hcl", "XDG_STATE_HOME="+t.TempDir())
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s, %s: %v\n%s", inventory, design, err, out)
			}
		}
	}
}

// The relay is mended while the layers above the units are ill, and waits for the units alone.
func TestRelayWaitsForTheUnitsAlone(t *testing.T) {
	b := newBench(t, "plain")
	b.apply()
	b.sh("umount /srv/solana/ramdisk; systemctl stop bisc-shredunwrap")
	b.bisc(0, "apply", "--auto-approve", "--until-clean", "--layer", "relay")
	b.sh("systemctl is-active bisc-shredunwrap; ! mountpoint -q /srv/solana/ramdisk")
}

// Back from dnat to mirror, the rules of before are shown and taken away by name: left, they would catch the packets (incident 47).
func TestRelayLeavesNoRuleOfTheOtherDesign(t *testing.T) {
	b := newBench(t, "plain")
	b.apply()
	b.bisc(0, "apply", "--auto-approve", "--until-clean", "--layer", "relay", "--set", "relay_design=dnat")
	b.sh("iptables -t nat -S PREROUTING | grep 'bisc: shreds'; iptables -S DOCKER-USER | grep 'bisc: shreds'")
	shown := b.bisc(4, "plan", "--layer", "relay")
	b.says(shown, `nat_rule["shreds go to the validator"]`, "-> (none)")
	b.says(shown, `filter_rule["shreds reach the validator"]`, "-> (none)")
	both := []string{"--layer", "relay", "--destroy", `biscayne:relay.nat_rule["shreds go to the validator"]`, "--destroy", `biscayne:relay.filter_rule["shreds reach the validator"]`}
	_, digest, _ := strings.Cut(b.bisc(2, append([]string{"plan"}, both...)...), "\ndigest ")
	b.bisc(0, append([]string{"apply", "--approve", strings.TrimSpace(digest)}, both...)...)
	b.sh("! iptables-save | grep 'bisc: shreds'; ! ls /etc/systemd/system | grep bisc-net-")
	b.bisc(0, "check", "--layer", "relay")
}

// What only the daemon can tell of a setting, it tells before the file takes the old one's place: what runs goes on.
func TestRelaySettingsThatTheDaemonRefuses(t *testing.T) {
	b := newBench(t, "plain")
	b.apply()
	was := b.sh("cat /etc/bisc/relay/shredunwrap.conf; systemctl show -p MainPID bisc-shredunwrap")
	b.inventory(`allow = "127.0.0.0/8"`, `allow = "127.0.0.1/8"`)
	out, errs, status := b.types("apply", "--auto-approve", "--until-clean")
	if status == 0 || !strings.Contains(out+errs, "127.0.0.1/8") || !strings.Contains(out+errs, "127.0.0.0/8 or 127.0.0.1/32") {
		t.Errorf("exit %d, and the daemon's own words are not there:\n%s%s", status, out, errs)
	}
	if now := b.sh("cat /etc/bisc/relay/shredunwrap.conf; systemctl show -p MainPID bisc-shredunwrap"); now != was {
		t.Errorf("the host has\n%s\nbefore\n%s", now, was)
	}
	b.inventory(`allow = "127.0.0.1/8"`, `alow = "127.0.0.0/8"`)
	_, errs, _ = b.types("validate")
	for _, words := range []string{"relay.bisc.hcl:", "alow", "did you mean allow?"} {
		if !strings.Contains(errs, words) {
			t.Errorf("validate does not say %q:\n%s", words, errs)
		}
	}
}
