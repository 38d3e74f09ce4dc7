package rules_test

import (
	"slices"
	"testing"

	"bisc/layers"
	"bisc/modules/kube"
	"bisc/plans"
)

// flagsOf are those that a runbook's first image is held against, where nothing was asked to go before it.
func flagsOf(rb plans.Runbook) []string {
	for _, st := range rb.Stages {
		for _, it := range st.Items {
			switch r := it.Resource.(type) {
			case *kube.Image:
				return r.Flags
			case *kube.GonePods, *kube.WantedDeployment:
				return nil
			}
		}
	}
	return nil
}

// TestAnImageIsHeldAgainstItsFlags: what comes to run next is asked for the flags that the start script will give it, before anything
// stops (incident 27), and these follow the inventory's environment.
func TestAnImageIsHeldAgainstItsFlags(t *testing.T) {
	const stock = `JITO_ENABLE        = "false"`
	for name, tt := range map[string]struct {
		env       string // in the place of stock
		want, not string
	}{
		"the relay's patch":      {stock, "--public-tvu-address", "--gossip-host"},
		"hidden in its --help":   {stock, "--no-os-network-limits-test", "--public-rpc-address"},
		"stock agave":            {stock, "--private-rpc", "--block-engine-url"},
		"jito":                   {`JITO_ENABLE = "true"`, "--block-engine-url", "--jito"},
		"arguments of one's own": {`EXTRA_ARGS = "--enable-accounts-disk-index --accounts-db-cache-limit-mb 16384"`, "--accounts-db-cache-limit-mb", "--account-index-limit"},
		"no snapshots":           {`NO_SNAPSHOTS = "true"`, "--no-snapshots", "--full-snapshot-interval-slots"},
	} {
		p, err := load(t, files(t), nil, stock, tt.env)
		if err != nil {
			t.Fatal(err)
		}
		for _, runbook := range []string{"start", "upgrade-image"} {
			if flags := flagsOf(p.Runbooks[runbook]); !slices.Contains(flags, tt.want) || slices.Contains(flags, tt.not) {
				t.Errorf("%s: %s asks for %q, want %s in it and not %s", name, runbook, flags, tt.want, tt.not)
			}
		}
		for _, st := range p.Stages {
			if st.Layer == layers.Agave && slices.ContainsFunc(st.Items, func(it layers.Item) bool { i, ok := it.Resource.(*kube.Image); return ok && len(i.Flags) > 0 }) {
				t.Error("the layer asks too: each plan, and each drift, would run a container")
			}
		}
	}
}
