package main

import (
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"

	"bisc/relaybin/daemon"
	"bisc/relaybin/frame"
)

// path is one way by which shreds come, as --path declares it.
type path struct {
	name    string
	device  string
	pcap    string // a recording in place of a device
	port    uint16
	to      netip.Addr     // invalid: any
	form    string         // bare, ip or sequenced
	from    []netip.Prefix // none: any
	notFrom []netip.Prefix
}

// paths is the flag's value: each --path, each line of the file, and each part between semicolons adds one.
type paths []path

// Repeats says that a settings file may have more than one line of it.
func (p *paths) Repeats() bool { return true }

func (p *paths) String() string {
	if p == nil {
		return ""
	}
	var all []string
	for _, one := range *p {
		all = append(all, one.String())
	}
	return strings.Join(all, ";")
}

func (p *paths) Set(text string) error {
	for part := range strings.SplitSeq(text, ";") {
		if strings.TrimSpace(part) == "" {
			continue
		}
		one, err := parsePath(strings.TrimSpace(part))
		if err != nil {
			return err
		}
		*p = append(*p, one)
	}
	return nil
}

func parsePath(text string) (path, error) {
	p := path{form: "bare"}
	for field := range strings.SplitSeq(text, ",") {
		key, value, ok := strings.Cut(field, "=")
		if !ok || value == "" {
			return p, fmt.Errorf("%q is no key=value", field)
		}
		if err := p.set(key, value); err != nil {
			return p, fmt.Errorf("%s: %w", key, err)
		}
	}
	return p, nil
}

func (p *path) set(key, value string) error {
	switch key {
	case "name":
		p.name = value
	case "device":
		p.device = value
	case "pcap":
		p.pcap = value
	case "form":
		p.form = value
	case "port":
		n, err := strconv.ParseUint(value, 10, 16)
		p.port = uint16(n)
		return err
	case "to":
		addr, err := netip.ParseAddr(value)
		p.to = addr
		return err
	case "from", "not-from":
		prefix, err := parsePrefix(value)
		if key == "from" {
			p.from = append(p.from, prefix)
		} else {
			p.notFrom = append(p.notFrom, prefix)
		}
		return err
	default:
		return fmt.Errorf("no such key; there are name, device, pcap, port, form, from, not-from, to")
	}
	return nil
}

// parsePrefix takes an address for itself alone.
func parsePrefix(text string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(text); err == nil {
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	prefix, err := netip.ParsePrefix(text)
	return prefix.Masked(), err
}

func (p path) String() string {
	fields := []string{"name=" + p.name}
	add := func(key, value string) {
		if value != "" {
			fields = append(fields, key+"="+value)
		}
	}
	add("device", p.device)
	add("pcap", p.pcap)
	add("port", strconv.Itoa(int(p.port)))
	add("form", p.form)
	for _, prefix := range p.from {
		add("from", prefix.String())
	}
	for _, prefix := range p.notFrom {
		add("not-from", prefix.String())
	}
	if p.to.IsValid() {
		add("to", p.to.String())
	}
	return strings.Join(fields, ",")
}

// explain says in words what is counted for the path.
func (p path) explain() string {
	source := "device " + p.device
	if p.pcap != "" {
		source = "recording " + p.pcap
	}
	text := fmt.Sprintf("%s: UDP to %s port %d that comes in on %s, form %s", p.name, anyOr(p.to), p.port, source, p.form)
	for _, prefix := range p.from {
		text += ", from " + prefix.String()
	}
	for _, prefix := range p.notFrom {
		text += ", not from " + prefix.String()
	}
	return text
}

func anyOr(a netip.Addr) string {
	if !a.IsValid() {
		return "any address"
	}
	return a.String()
}

func (p path) match() frame.Match { return frame.Match{Addr: p.to, Port: p.port} }

// takes reports whether a sender's packets belong to the path.
func (p *path) takes(source netip.Addr) bool {
	for _, prefix := range p.notFrom {
		if prefix.Contains(source) {
			return false
		}
	}
	for _, prefix := range p.from {
		if prefix.Contains(source) {
			return true
		}
	}
	return len(p.from) == 0
}

func (p paths) names() string {
	var all []string
	for _, one := range p {
		all = append(all, one.name)
	}
	return strings.Join(all, ", ")
}

// recorded reports whether the paths are recordings.
func (p paths) recorded() bool { return len(p) > 0 && p[0].pcap != "" }

func (p paths) check() error {
	good := regexp.MustCompile(`^[a-zA-Z0-9_.-]{1,32}$`)
	for i, one := range p {
		bad := func(remedy, format string, args ...any) error {
			return daemon.Bad("path", remedy, "%s: "+format, append([]any{one.String()}, args...)...)
		}
		switch {
		case !good.MatchString(one.name):
			return bad("give name= with 1 to 32 of a-z A-Z 0-9 _ . -", "no usable name")
		case one.port == 0:
			return bad("give port=, the validator's TVU port or the one that the relay sends to", "no port")
		case (one.device == "") == (one.pcap == ""):
			return bad("give one of device= and pcap=", "neither a device nor a recording, or both")
		case (one.pcap != "") != p.recorded():
			return bad("give either devices or recordings", "devices and recordings do not mix: their clocks differ")
		case one.form != "bare" && one.form != "ip" && one.form != "sequenced":
			return bad("write bare, ip or sequenced", "form %q", one.form)
		case one.to.IsValid() && !one.to.Is4():
			return bad("give an IPv4 address", "turbine has no %s", one.to)
		}
		for _, other := range p[:i] {
			if other.name == one.name {
				return bad("give another name", "the name is taken")
			}
			if one.pcap == "" && overlap(other, one) {
				return bad("part them by from= and not-from=, or by to=", "a packet could belong to path %s, too, and would be counted twice", other.name)
			}
		}
	}
	return nil
}

// overlap reports whether one packet on one device could belong to both paths.
func overlap(a, b path) bool {
	if a.device != b.device || a.port != b.port || a.to.IsValid() && b.to.IsValid() && a.to != b.to {
		return false
	}
	return !apart(a, b) && !apart(b, a)
}

// apart reports whether no sender that a names is one of b's.
func apart(a, b path) bool {
	if len(a.from) == 0 {
		return false
	}
	for _, from := range a.from {
		if !excluded(from, b) {
			return false
		}
	}
	return true
}

func excluded(from netip.Prefix, b path) bool {
	for _, not := range b.notFrom {
		if not.Bits() <= from.Bits() && not.Contains(from.Addr()) {
			return true
		}
	}
	for _, other := range b.from {
		if other.Overlaps(from) {
			return false
		}
	}
	return len(b.from) > 0
}
