package config

import (
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

// argument is a kind of value: how it is recognised, and how the switch prints it.
type argument struct {
	canon func(typed string) (printed string, ok bool)
	rest  bool // everything up to the end of the line
}

// newArgument knows int:LOW-HIGH, and the named kinds. It panics on another, for which see compile.
func newArgument(name string) *argument {
	kind, limits, _ := strings.Cut(name, ":")
	switch kind {
	case "rest":
		return &argument{rest: true}
	case "int":
		low, high, _ := strings.Cut(limits, "-")
		return integer(low, high)
	case "like":
		return like(limits)
	}
	return named(kind)
}

func named(kind string) *argument {
	switch kind {
	case "ip":
		return &argument{canon: address}
	case "ip6":
		return &argument{canon: address6}
	case "net":
		return &argument{canon: network}
	case "ipnet":
		return &argument{canon: interfaceNetwork}
	case "name":
		return &argument{canon: name}
	case "word":
		return &argument{canon: func(s string) (string, bool) { return s, true }}
	case "intf":
		return &argument{canon: Interface}
	case "intfs":
		return &argument{canon: interfaces}
	case "asn":
		return like(`\d+(\.\d+)?`)
	case "comm":
		return like(`\d+:\d+|internet|no-export|no-advertise|local-as|GSHUT`)
	case "rd":
		return like(`(\d+|\d+\.\d+\.\d+\.\d+):\d+`)
	case "ports":
		return like(`\d+(-\d+)?(,\d+(-\d+)?)*`)
	}
	panic("no such argument: " + kind)
}

func like(expr string) *argument {
	re := regexp.MustCompile(`^(?:` + expr + `)$`)
	return &argument{canon: func(s string) (string, bool) { return s, re.MatchString(s) }}
}

func integer(low, high string) *argument {
	lo, err1 := strconv.ParseInt(low, 10, 64)
	hi, err2 := strconv.ParseInt(high, 10, 64)
	if err1 != nil || err2 != nil {
		panic(fmt.Sprintf("no limits: %s-%s", low, high))
	}
	return &argument{canon: func(s string) (string, bool) {
		n, err := strconv.ParseInt(s, 10, 64)
		return strconv.FormatInt(n, 10), err == nil && n >= lo && n <= hi
	}}
}

func address(s string) (string, bool) {
	a, err := netip.ParseAddr(s)
	return s, err == nil && a.Is4()
}

func address6(s string) (string, bool) {
	p, err := netip.ParsePrefix(s)
	if err == nil {
		return s, p.Addr().Is6()
	}
	a, err := netip.ParseAddr(s)
	return s, err == nil && a.Is6()
}

// network is a prefix; bits of the host are cut off ([I]: a route's prefix is shown masked in every fixture).
func network(s string) (string, bool) {
	p, err := netip.ParsePrefix(s)
	if err != nil || !p.Addr().Is4() {
		return "", false
	}
	return p.Masked().String(), true
}

func interfaceNetwork(s string) (string, bool) {
	p, err := netip.ParsePrefix(s)
	return s, err == nil && p.Addr().Is4()
}

// name is what an ACL, a VRF, a daemon may be called ([I]: no blank, no control, not a pipe).
func name(s string) (string, bool) {
	return s, len(s) <= 100 && !strings.ContainsAny(s, "|;<>&\"'`$()\\")
}
