package relay

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"bisc/internal/host"
	"bisc/modules"
	"bisc/relaybin"
)

// FlowKind is what a relay daemon's own figures must say: for invariants.
var FlowKind = modules.Kind{
	Name:     "relay_flow",
	Label:    "the daemon's name: shredmirror, shredunwrap or shredmeter",
	Platform: host.Linux | host.EOS,
	Layer:    "relay",
	Doc: "What a relay daemon's figures must say, for an `invariant`: bisc repairs none of it. The daemon's metrics are read twice, a window apart, over the host's own loopback; " +
		"what is not readable, or not among them, is unknown and never 0. Limits of what a daemon does not measure are refused when the plan is read.",
	Checks: []string{
		"now: the process that answers is the build for this host's machine, by its digest",
		"now: what it receives and what it passes on moved within the window (`flowing`)",
		"now: shreds lost on the way, share of drops by reason, delay (99 of 100 shreds within the limit) and jitter, in the window; what the kernel dropped, since the process began",
		"now: the run of complete slots that ends at the tip lasts at least `min_run` (shredmeter)",
	},
	Example: `relay_flow "shredunwrap" {
  max_loss  = "0.1%"
  max_delay = "1ms"
}
`,
	New: func(label string) modules.Resource {
		return &Flow{Name: label, At: metricsOf(label), Window: time.Second, Flowing: true, MaxLoss: 0.001, MaxDrops: 0.01}
	},
}

// Flow is the resource of FlowKind.
type Flow struct {
	Name      string
	At        string        `hcl:"at,optional" doc:"ADDRESS:PORT of the daemon's metrics, in digits. Default: 127.0.0.1 with the daemon's own port"`
	Window    time.Duration `hcl:"window,optional" doc:"between the two looks" default:"\"1s\""`
	Flowing   bool          `hcl:"flowing,optional" doc:"shreds must have come, and gone on, within the window. false where there is no traffic" default:"true"`
	MaxLoss   Ratio         `hcl:"max_loss,optional" doc:"shredunwrap: share of a stream's shreds that did not arrive" default:"\"0.1%\""`
	MaxDelay  time.Duration `hcl:"max_delay,optional" doc:"shredunwrap: from the switch to here, 99 of 100 shreds; the clocks of both must agree to that. Default: not looked at"`
	MaxJitter time.Duration `hcl:"max_jitter,optional" doc:"shredunwrap: of each stream. Default: not looked at"`
	MaxDrops  Ratio         `hcl:"max_drops,optional" doc:"share of what was received that one reason may drop" default:"\"1%\""`
	Expected  []string      `hcl:"expected_drops,optional" doc:"reasons that may drop as much as they like: source, where others knock"`
	MaxKernel int           `hcl:"max_kernel_drops,optional" doc:"packets that the kernel dropped before the daemon, since it began" default:"0"`
	MinRun    time.Duration `hcl:"min_run,optional" doc:"shredmeter: how long the run of complete slots at the tip must be. Default: not looked at"`
	Platform  string        `hcl:"platform,optional" doc:"the build is for this platform, as in relay_binary. Default: the one for the host's machine"`
}

// counters are the words of a daemon's metrics.
type counters struct{ in, out, drops, kernel string }

func (f *Flow) counters() counters {
	switch f.Name {
	case "shredmirror":
		return counters{"shredmirror_frames_total", "shredmirror_sent_total", "shredmirror_drops_total", "shredmirror_kernel_drops_total"}
	case "shredunwrap":
		return counters{"shredunwrap_received_total", "shredunwrap_forwarded_total", "shredunwrap_drops_total", "shredunwrap_kernel_drops_total"}
	}
	return counters{in: "shredmeter_path_shreds_total"} // it passes nothing on
}

// Validate finds limits that nothing measures.
func (f *Flow) Validate() error {
	var faults []error
	bad := func(attr, reason string) { faults = append(faults, &modules.AttrError{Attr: attr, Reason: reason}) }
	if err := checkName(f.Name); err != nil {
		faults = append(faults, err)
	}
	if at, err := netip.ParseAddrPort(f.At); err != nil || at.Port() == 0 || at.Addr().IsUnspecified() {
		bad("at", fmt.Sprintf("%q is not where metrics are: write an address in digits and a port, as in 127.0.0.1:9466", f.At))
	}
	if f.Window < time.Millisecond || f.Window > time.Minute {
		bad("window", "from 1ms to 1m: every plan and every check waits for it")
	}
	if f.MaxKernel < 0 {
		bad("max_kernel_drops", "not less than 0")
	}
	if f.MaxDelay != 0 && f.Name != "shredunwrap" {
		bad("max_delay", "only shredunwrap measures it, at the end of the streams")
	}
	if f.MaxJitter != 0 && f.Name != "shredunwrap" {
		bad("max_jitter", "only shredunwrap measures it, at the end of the streams")
	}
	if f.MinRun != 0 && f.Name != "shredmeter" {
		bad("min_run", "only shredmeter knows slots")
	}
	return errors.Join(faults...)
}

// Plan looks twice. The error is all that keeps from knowing.
func (f *Flow) Plan(ctx context.Context, h host.Reader) (modules.Change, error) {
	var c modules.Change
	first, err := f.look(ctx, h)
	if errors.Is(err, host.ErrNotListening) {
		c.Refuse("running", "nobody listens on "+f.At, "metrics of "+f.Name, "it does not run, or its metrics are elsewhere")
		return c, nil
	}
	if err != nil {
		return c, err
	}
	select {
	case <-ctx.Done():
		return c, fmt.Errorf("wait for %s's counters to move: %w", f.Name, context.Cause(ctx))
	case <-time.After(f.Window):
	}
	second, err := f.look(host.Anew(ctx), h)
	if err != nil {
		return c, err
	}
	machine, err := machineOf(ctx, h)
	if err != nil {
		return c, err
	}
	want, err := relaybin.For(f.Name, machine, f.Platform)
	if err != nil {
		return c, err
	}
	return f.decide(first, second, want.SHA256)
}

func (f *Flow) look(ctx context.Context, h host.Reader) (page, error) {
	got, err := h.Get(ctx, host.Endpoint{Network: "tcp", Address: f.At}, "/metrics")
	if err != nil {
		return nil, fmt.Errorf("read the metrics of %s on %s: %w", f.Name, f.At, err)
	}
	if got.Status != 200 {
		return nil, fmt.Errorf("read the metrics of %s on %s: HTTP status %d", f.Name, f.At, got.Status)
	}
	return parsePage(got.Body)
}

// decide compares two pages with the limits. An error is a figure that is not there.
func (f *Flow) decide(first, second page, want string) (modules.Change, error) {
	var c modules.Change
	w := window{first, second}
	if got := running(second, f.Name); got != want {
		c.Refuse("running", orNone(got), want, "another program answers on "+f.At+": relay_service restarts a daemon that is not the installed one")
	}
	if running(first, f.Name) != running(second, f.Name) || w.began() {
		return c, fmt.Errorf("%s was started anew between the two looks: its counters begin again", f.Name)
	}
	errs := []error{f.flowing(&c, w), f.drops(&c, w)}
	switch f.Name {
	case "shredunwrap":
		errs = append(errs, f.streams(&c, w))
	case "shredmeter":
		errs = append(errs, f.run(&c, second))
	}
	return c, errors.Join(errs...)
}

const mends = "bisc mends no flow: look at `bisc relay top`, the switch, and the route between"

// flowing wants shreds in and out.
func (f *Flow) flowing(c *modules.Change, w window) error {
	names := f.counters()
	for _, n := range []struct{ attr, name string }{{"received", names.in}, {"passed on", names.out}} {
		if n.name == "" {
			continue
		}
		grew, err := w.grew(n.name)
		if err != nil {
			return err
		}
		if f.Flowing && grew == 0 {
			c.Refuse(n.attr, "0 in "+f.Window.String(), "more than 0", mends)
		}
	}
	return nil
}

// drops wants no reason to drop more than its share, and the kernel to have dropped nothing.
func (f *Flow) drops(c *modules.Change, w window) error {
	names := f.counters()
	if names.drops == "" {
		return nil
	}
	got, err := w.grew(names.in)
	if err != nil {
		return err
	}
	if _, err := w.grew(names.drops); err != nil {
		return err
	}
	for _, d := range w.grewBy(names.drops, "reason") {
		if !f.expects(d.of) && d.by > float64(f.MaxDrops)*max(got, 1) {
			c.Refuse("drops: "+d.of, fmt.Sprintf("%.0f of %.0f in %s", d.by, got, f.Window), "at most "+f.MaxDrops.String(), mends)
		}
	}
	kernel, err := w.second.total(names.kernel)
	if err != nil {
		return err
	}
	if kernel > float64(f.MaxKernel) {
		c.Refuse("kernel drops", fmt.Sprintf("%.0f since it began", kernel), fmt.Sprintf("at most %d", f.MaxKernel), "the receive buffer was full: more of net.core.rmem_max, or fewer neighbours on its core")
	}
	return nil
}

func (f *Flow) expects(reason string) bool {
	for _, e := range f.Expected {
		if e == reason {
			return true
		}
	}
	return false
}

// running is the digest of the process that wrote the page.
func running(p page, name string) string {
	for _, s := range p {
		if s.Name == name+"_build_info" {
			return s.Labels["sha256"]
		}
	}
	return ""
}

func orNone(s string) string {
	if strings.TrimSpace(s) == "" {
		return "(none)"
	}
	return s
}
