package eos

import (
	"context"
	"fmt"
	"strings"

	"bisc/internal/eosconf"
	"bisc/internal/host"
)

// tcamProfile is what the chip's tables are cut for. bisc changes no profile: that reprograms the whole chip.
type tcamProfile struct {
	config, status string   // the profile asked for, and the one in force
	features       []string // "mirror ip"; of a profile that the configuration does not hold: nil
	overrides      bool     // a redirection comes before the delivery to the switch's own addresses
}

// readTCAM asks which profile is in force [V: anta's fixture] and looks its features up in the running configuration, which holds
// those that the operators made [V].
func readTCAM(ctx context.Context, h host.Reader, running *eosconf.Config) (tcamProfile, error) {
	var said struct {
		Profiles map[string]struct{ Config, Status string } `json:"pmfProfiles"`
	}
	if err := host.ShowJSON(ctx, h, "show hardware tcam profile", &said); err != nil {
		return tcamProfile{}, fmt.Errorf("the TCAM profile in force: %w", err)
	}
	p, ok := said.Profiles["FixedSystem"]
	if !ok || p.Config == "" || p.Status == "" {
		return tcamProfile{}, fmt.Errorf("the switch's answer to \"show hardware tcam profile\" lacks pmfProfiles.FixedSystem with config and status: not known which profile is in force")
	}
	t := tcamProfile{config: p.Config, status: p.Status}
	if at := running.Find("hardware tcam", "profile "+p.Status); at != nil {
		t.features = []string{}
		for _, l := range at.Sub {
			if f, ok := strings.CutPrefix(l.Text, "feature "); ok {
				t.features = append(t.features, f)
			}
			t.overrides = t.overrides || l.Text == "system-rule overriding-action redirect"
		}
	}
	return t, nil
}

// lacks says why a feature cannot be programmed; empty: it can.
func (t tcamProfile) lacks(feature string) string {
	const never = "bisc changes no TCAM profile: that reprograms the whole chip, and takes from others what they need"
	switch {
	case t.status != t.config:
		return fmt.Sprintf("the TCAM profile asked for is %s and the one in force is %s: what of it is programmed is not known; %s", t.config, t.status, never)
	case t.features == nil:
		return fmt.Sprintf("the TCAM profile %s is in force, and the running configuration does not say what it has: not known whether it has %q; %s", t.status, feature, never)
	}
	for _, f := range t.features {
		if f == feature {
			return ""
		}
	}
	return fmt.Sprintf("the TCAM profile %s in force has no %q: EOS would take the policy and redirect nothing. Use a monitor session (eos_monitor), or a static route; %s. It has %s", t.status, feature, never, joined(t.features))
}
