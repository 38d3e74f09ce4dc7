package agave

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"

	"bisc/internal/host"
	"bisc/modules"
)

// ReachableKind is how the cluster's entrypoints see the host: for invariants.
var ReachableKind = modules.Kind{
	Name: "reachable", Label: "ADDRESS:PORT, as the cluster is to see the validator's gossip port", Platform: host.Linux, Layer: "agave",
	Doc: "How an entrypoint of the cluster sees the host, by its ip_echo, for an `invariant`: bisc repairs none of it. A validator does the same at its start, and does not start where it fails: redirection rules that were left over broke it for four days once, " +
		"and a reply by another way showed the wrong address. The address is asked each time. Ports are tried while nobody holds them: those of a validator that lives were tried by itself at its start, and are not taken from it.",
	Checks: []string{
		"now: the address that the entrypoint sees is the label's",
		"now: each port of `tcp` and `udp` that nobody holds is reached by what the entrypoint sends to it",
		"now: a port that is held while no validator lives, by the host's process table, is held by somebody else",
		"now: the entrypoint's shred version, where `shred_version` is given",
	},
	Example: `reachable "203.0.113.7:8001" {
  entrypoint    = "entrypoint.example.org:8001"
  shred_version = 50093
}
`,
	New: func(label string) modules.Resource { return &Reachable{Address: label} },
}

// Reachable is the resource of ReachableKind.
type Reachable struct {
	Address      string
	Entrypoint   string   `hcl:"entrypoint" doc:"NAME:PORT of an entrypoint's gossip port; a name is resolved on the host"`
	TCP          []string `hcl:"tcp,optional" doc:"TCP ports to have tried, at most four. Default: the label's"`
	UDP          []string `hcl:"udp,optional" doc:"UDP ports to have tried, at most four. Default: the label's"`
	Node         string   `hcl:"node,optional" doc:"the container in whose network it is asked, as the validator's packets leave: the kind node. Default: the host's own"`
	ShredVersion int      `hcl:"shred_version,optional" doc:"the cluster's shred version. Default: not compared"`
}

var entrypointForm = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?:[0-9]{1,5}$`)

// Validate finds addresses and ports that are none.
func (r *Reachable) Validate() error {
	var faults []error
	bad := func(attr, reason string) { faults = append(faults, &modules.AttrError{Attr: attr, Reason: reason}) }
	if at, err := netip.ParseAddrPort(r.Address); err != nil || at.Port() == 0 || at.Addr().IsUnspecified() {
		bad("", fmt.Sprintf("%q is not where a cluster sees a validator: write an address in digits and a port, as in 203.0.113.7:8001", r.Address))
	}
	if !entrypointForm.MatchString(r.Entrypoint) {
		bad("entrypoint", fmt.Sprintf("%q: write NAME:PORT", r.Entrypoint))
	}
	for attr, ports := range map[string][]string{"tcp": r.TCP, "udp": r.UDP} {
		if _, err := portsOf(ports); err != nil {
			bad(attr, err.Error())
		}
	}
	if r.ShredVersion < 0 || r.ShredVersion > 65535 {
		bad("shred_version", "from 1 to 65535")
	}
	return errors.Join(faults...)
}

func portsOf(words []string) ([]uint16, error) {
	if len(words) > 4 {
		return nil, errors.New("ip_echo tries at most four: write fewer")
	}
	var out []uint16
	for _, w := range words {
		n, err := strconv.ParseUint(w, 10, 16)
		if err != nil || n == 0 {
			return nil, fmt.Errorf("%q is no port: write a number from 1 to 65535", w)
		}
		out = append(out, uint16(n))
	}
	return out, nil
}

// query is what is asked; the resource was validated.
func (r *Reachable) query() (q ReachQuery, wanted netip.Addr, err error) {
	at, err := netip.ParseAddrPort(r.Address)
	if err != nil {
		return q, wanted, err
	}
	q = ReachQuery{Entrypoint: r.Entrypoint, Node: r.Node, TCP: []uint16{at.Port()}, UDP: []uint16{at.Port()}}
	if r.TCP != nil {
		q.TCP, err = portsOf(r.TCP)
	}
	if r.UDP != nil && err == nil {
		q.UDP, err = portsOf(r.UDP)
	}
	return q, at.Addr(), err
}

// Plan asks. The error is all that keeps from knowing.
func (r *Reachable) Plan(ctx context.Context, h host.Reader) (modules.Change, error) {
	q, wanted, err := r.query()
	if err != nil {
		return modules.Change{}, err
	}
	got, err := ReadReach(ctx, h, q)
	if err != nil {
		return modules.Change{}, err
	}
	lives := false
	if len(got.Busy) > 0 {
		processes, unread, err := readProcesses(ctx, h)
		if err = errors.Join(err, unread); err != nil {
			return modules.Change{}, fmt.Errorf("whether it is a validator that holds %s is not known: %w", strings.Join(got.Busy, ", "), err)
		}
		lives = len(processes) > 0
	}
	return r.decide(got, q, wanted, lives)
}

// decide compares. lives: a validator lives, and the ports that are held are its own.
func (r *Reachable) decide(got Reach, q ReachQuery, wanted netip.Addr, lives bool) (modules.Change, error) {
	var c modules.Change
	if got.Silent != "" {
		return c, fmt.Errorf("%s gave no answer to ip_echo (%s): another entrypoint of the cluster may", r.Entrypoint, got.Silent)
	}
	if got.Seen != wanted {
		c.Refuse("seen as", got.Seen.String(), wanted.String(), "what leaves for the entrypoint leaves by another way, or with another source, than is wanted: see the rules and routes of the layer relay")
	}
	if got.ShredVersion != uint16(r.ShredVersion) && r.ShredVersion != 0 {
		c.Refuse("shred_version", strconv.Itoa(int(got.ShredVersion)), strconv.Itoa(r.ShredVersion), "the entrypoint is of another cluster, or the cluster was restarted")
	}
	for _, port := range got.missed(q) {
		c.Refuse(port, "not reached", "reached", "what "+r.Entrypoint+" sent to it did not arrive: a filter on the way, or a rule that redirects it")
	}
	if !lives {
		for _, port := range got.Busy {
			c.Refuse(port, "held by a program that is no validator", "free for the validator", "the validator could not bind it")
		}
	}
	return c, nil
}
