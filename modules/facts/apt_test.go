package facts

import (
	"testing"

	"bisc/internal/host"
	"bisc/internal/host/hosttest"
)

func TestAutomaticReboot(t *testing.T) {
	for _, c := range []struct {
		situation, dump string
		want            any // nil: an error
	}{
		{"not set", "APT \"\";\nUnattended-Upgrade \"\";\n", false},
		{"off", "APT \"\";\nUnattended-Upgrade::Automatic-Reboot \"false\";\n", false},
		{"on", "Unattended-Upgrade::Automatic-Reboot \"true\";\n", true},
		{"on, by number and in another case", "unattended-upgrade::automatic-reboot \"1\";\n", true},
		{"off by a number", "Unattended-Upgrade::Automatic-Reboot \"0\";\n", false},
		{"set to nothing", "Unattended-Upgrade::Automatic-Reboot \"\";\n", false},
		{"a longer name", "Unattended-Upgrade::Automatic-Reboot-WithUsers \"true\";\nUnattended-Upgrade::Automatic-Reboot-Time \"02:00\";\n", false},
		{"neither", "Unattended-Upgrade::Automatic-Reboot \"maybe\";\n", nil},
		{"no answer at all", "", nil},
	} {
		f := hosttest.New("a")
		f.Answers["apt-config dump"] = host.Output{Stdout: []byte(c.dump)}
		got, err := Read(t.Context(), f, "automatic_reboot")
		if c.want == nil && err == nil || c.want != nil && (err != nil || got["automatic_reboot"] != c.want) {
			t.Errorf("%s: got %v, %v, want %v", c.situation, got["automatic_reboot"], err, c.want)
		}
	}
	f := hosttest.New("a")
	f.Answers["apt-config dump"] = host.Output{Exit: 127, Stderr: []byte("not found")}
	if got, err := Read(t.Context(), f, "automatic_reboot"); err == nil {
		t.Errorf("without apt the fact is not known, got %v", got)
	}
}
