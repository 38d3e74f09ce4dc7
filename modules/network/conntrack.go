package network

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"bisc/internal/host"
)

// trackedFlow is an entry of the kernel's connection tracking: what the first packet said, and from whom an answer would come.
type trackedFlow struct {
	protocol string
	original tuple
	reply    tuple
}

type tuple struct {
	source, destination netip.Addr
	sport, dport        uint16
}

// String reads like the packet.
func (f trackedFlow) String() string {
	return fmt.Sprintf("%s %s > %s", f.protocol, netip.AddrPortFrom(f.original.source, f.original.sport), netip.AddrPortFrom(f.original.destination, f.original.dport))
}

// lookAtFlows gives the IPv4 flows to an address and port, before any rewriting. It loads no module: where the kernel tracks
// nothing there is no flow, and where neither conntrack nor /proc can tell, that is an error.
func lookAtFlows(ctx context.Context, h host.Reader, protocol string, to netip.AddrPort) ([]trackedFlow, error) {
	var modules, tracked, netlink bool
	err := host.Ask(ctx,
		func(ctx context.Context) (err error) { modules, err = stands(ctx, h, "/proc/modules"); return err },
		func(ctx context.Context) (err error) {
			tracked, err = stands(ctx, h, "/proc/sys/net/netfilter/nf_conntrack_max")
			return err
		},
		func(ctx context.Context) (err error) {
			netlink, err = stands(ctx, h, "/sys/module/nf_conntrack_netlink")
			return err
		},
	)
	if err != nil || !tracked {
		return nil, err
	}
	text, err := []byte(nil), host.ErrNoProgram
	if netlink || !modules {
		var said string
		said, err = ask(ctx, h, "conntrack", "-L", "-p", protocol, "--orig-dst", to.Addr().String(), "--orig-port-dst", strconv.Itoa(int(to.Port())))
		text = []byte(said)
	}
	if errors.Is(err, host.ErrNoProgram) {
		if text, err = readIfThere(ctx, h, "/proc/net/nf_conntrack"); err == nil && text == nil {
			err = errors.New("what the kernel tracks cannot be read: install the package conntrack (the kernel has no /proc/net/nf_conntrack, or nf_conntrack_netlink is not loaded)")
		}
	}
	if err != nil {
		return nil, err
	}
	flows, err := parseFlows(string(text))
	return slices.DeleteFunc(flows, func(f trackedFlow) bool {
		return f.protocol != protocol || f.original.destination != to.Addr() || f.original.dport != to.Port()
	}), err
}

// parseFlows reads conntrack's lines and those of /proc/net/nf_conntrack, of udp and tcp. Of a line's two tuples the first is
// the first packet's, the second that of an answer.
func parseFlows(text string) ([]trackedFlow, error) {
	var out []trackedFlow
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) > 0 && words[0] == "ipv6" {
			continue
		}
		at := slices.IndexFunc(words, func(w string) bool { return w == "udp" || w == "tcp" })
		if at < 0 {
			continue
		}
		f := trackedFlow{protocol: words[at]}
		tuples := []*tuple{&f.original, &f.reply}
		seen := map[string]int{}
		for _, w := range words {
			key, value, _ := strings.Cut(w, "=")
			if n := seen[key]; n < 2 {
				known, err := tuples[n].set(key, value)
				if err != nil {
					return nil, fmt.Errorf("a flow that is not understood: %q: %w", line, err)
				}
				if known {
					seen[key]++
				}
			}
		}
		if seen["src"] != 2 || seen["dport"] != 2 {
			return nil, fmt.Errorf("a flow that is not understood: %q", line)
		}
		out = append(out, f)
	}
	return out, nil
}

func (t *tuple) set(key, value string) (known bool, err error) {
	port := func(into *uint16) {
		var n uint64
		n, err = strconv.ParseUint(value, 10, 16)
		*into = uint16(n)
	}
	switch key {
	case "src":
		t.source, err = netip.ParseAddr(value)
	case "dst":
		t.destination, err = netip.ParseAddr(value)
	case "sport":
		port(&t.sport)
	case "dport":
		port(&t.dport)
	default:
		return false, nil
	}
	return true, err
}

// forget is the command that takes this one entry away, while it points where it was seen to.
func (f trackedFlow) forget() []string {
	n := func(p uint16) string { return strconv.Itoa(int(p)) }
	return []string{"conntrack", "-D", "-p", f.protocol, "--orig-src", f.original.source.String(), "--orig-dst", f.original.destination.String(),
		"--orig-port-src", n(f.original.sport), "--orig-port-dst", n(f.original.dport), "--reply-src", f.reply.source.String()}
}
