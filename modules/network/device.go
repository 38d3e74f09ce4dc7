package network

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"bisc/internal/host"
)

// device is a network interface as ip(8) tells it. Its identity is index and name together: see host.InterfaceIs.
type device struct {
	Index     int      `json:"ifindex"`
	Name      string   `json:"ifname"`
	Flags     []string `json:"flags"`
	MTU       int      `json:"mtu"`
	Link      linkinfo `json:"linkinfo"`
	Addresses []held   `json:"addr_info"`
}

type linkinfo struct {
	Kind string `json:"info_kind"`
	Data struct {
		Remote, Local string
		TTL           int
		IKey, OKey    string
	} `json:"info_data"`
}

// held is an address of an interface.
type held struct {
	Family    string     `json:"family"` // inet, inet6
	Local     netip.Addr `json:"local"`
	Bits      int        `json:"prefixlen"`
	Scope     string     `json:"scope"`
	Label     string     `json:"label"`
	Secondary bool       `json:"secondary"`
	Failed    bool       `json:"dadfailed"`
	Lifetime  uint32     `json:"valid_life_time"` // seconds; forever is the largest
}

const forever = 1<<32 - 1

// askDevices is one question for all resources of a host.
func askDevices(ctx context.Context, h host.Reader) ([]device, error) {
	var out []device
	return out, askIP(ctx, h, &out, "-d", "address", "show")
}

// askIP asks ip(8) for JSON.
func askIP(ctx context.Context, h host.Reader, into any, words ...string) error {
	argv := append([]string{"ip", "-j"}, words...)
	out, err := h.Query(ctx, argv...)
	if err != nil {
		return fmt.Errorf("%s: %w", host.Quote(argv...), err)
	}
	if out.Exit != 0 {
		return &host.ExitError{Argv: argv, Exit: out.Exit, Stderr: out.Stderr}
	}
	return unmarshal(argv, out.Stdout, into)
}

// unmarshal reads an answer; ip(8) says nothing at all where there is nothing, or an empty list, as its age is.
func unmarshal(argv []string, answer []byte, into any) error {
	if len(strings.TrimSpace(string(answer))) == 0 {
		return nil
	}
	if err := json.Unmarshal(answer, into); err != nil {
		return fmt.Errorf("%s: its answer is not understood: %w", host.Quote(argv...), err)
	}
	return nil
}

// find gives the device of a name; nil where there is none.
func find(devices []device, name string) *device {
	at := slices.IndexFunc(devices, func(d device) bool { return d.Name == name })
	if at < 0 {
		return nil
	}
	return &devices[at]
}

// act is an ip(8) command on a device that must still be the one that was seen.
func (d *device) act(argv ...string) host.Step {
	return host.Script{Argv: argv, Guards: []host.Guard{host.InterfaceIs(d.Name, d.Index)}}
}

// dependents are the addresses that the kernel takes away with this one, unless net.ipv4.conf.*.promote_secondaries says
// otherwise: those of its subnet that came after it.
func (d *device) dependents(a held) []held {
	if a.Family != "inet" || a.Secondary {
		return nil
	}
	own := netip.PrefixFrom(a.Local, a.Bits).Masked()
	return slices.DeleteFunc(slices.Clone(d.Addresses), func(o held) bool {
		return o.Family != "inet" || !o.Secondary || o.Bits != a.Bits || !own.Contains(o.Local)
	})
}

// prefix is the address as ip(8) writes it.
func (a held) prefix() string { return netip.PrefixFrom(a.Local, a.Bits).String() }

// words are the arguments that bring the address as it is.
func (a held) words(device string) []string {
	out := []string{a.prefix(), "dev", device}
	if a.Family == "inet" {
		out = append(out, "scope", a.Scope)
		if a.Label != "" {
			out = append(out, "label", a.Label)
		}
	}
	return out
}

// noDevice says where a device comes from.
func noDevice(name string) string {
	return fmt.Sprintf("there is no network interface %s: it comes with the hardware, with docker, or with a gre_tunnel block before this one; apply goes on when it is there", name)
}

// checkDevice tells whether a network interface can have this name (at most 15 bytes, no blank, no slash).
func checkDevice(name string) error {
	if name == "" || len(name) > 15 || name == "." || name == ".." || strings.HasPrefix(name, "-") || strings.ContainsAny(name, "/ :\t\n\x00%") {
		return fmt.Errorf("%q is not the name of a network interface (at most 15 characters, without /, :, %% or blanks)", name)
	}
	return nil
}
