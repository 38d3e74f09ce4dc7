package storage

import (
	"context"
	"fmt"
	"strings"

	"bisc/internal/host"
)

// protectProperty is kept on the object itself, so that it outlives the block in the plan and any copy of bisc.
const protectProperty = "bisc:protect"

// zfsSeen is the properties of a zvol or dataset.
type zfsSeen struct {
	missing bool
	value   map[string]string
	source  map[string]string // local, default, inherited from ..., -
}

// askZFS asks for properties of a dataset, in exact numbers. That it does not exist is an answer; anything else that zfs
// could not say is not.
func askZFS(ctx context.Context, h host.Reader, name string, properties ...string) (z zfsSeen, err error) {
	out, err := h.Query(ctx, "zfs", "get", "-Hp", "-o", "property,value,source", strings.Join(properties, ","), name)
	if err != nil {
		return z, fmt.Errorf("asking zfs for %s: %w", name, err)
	}
	if out.Exit != 0 {
		if strings.Contains(string(out.Stderr), "dataset does not exist") {
			return zfsSeen{missing: true}, nil
		}
		return z, fmt.Errorf("asking zfs for %s: exit status %d: %s", name, out.Exit, firstLine(out.Stderr))
	}
	z.value, z.source = map[string]string{}, map[string]string{}
	for line := range strings.Lines(string(out.Stdout)) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(f) != 3 {
			return z, fmt.Errorf("asking zfs for %s: cannot read %q", name, line)
		}
		z.value[f[0]], z.source[f[0]] = f[1], f[2]
	}
	for _, p := range properties {
		if _, ok := z.value[p]; !ok {
			return z, fmt.Errorf("asking zfs for %s: it said nothing of %s", name, p)
		}
	}
	return z, nil
}

// protected tells whether the property is on, be it inherited.
func (z zfsSeen) protected() bool { return z.value[protectProperty] == "on" }

// protection is the property as the object itself has it.
func (z zfsSeen) protection() string {
	if z.protected() && z.source[protectProperty] == "local" {
		return "true"
	}
	if z.protected() {
		return z.source[protectProperty]
	}
	return "false"
}

func setZFS(name, property, value string, guards ...host.Guard) host.Step {
	return host.Script{Argv: []string{"zfs", "set", property + "=" + value, name}, Guards: guards}
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

// parentOf is the dataset above, or empty for a pool.
func parentOf(name string) string {
	i := strings.LastIndex(name, "/")
	return name[:max(i, 0)]
}
