package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"bisc/internal/host"
	"bisc/internal/host/eoshost"
)

// looked is what a host turned out to be, as JSON.
type looked struct {
	Platform string `json:"platform"`
	System   string `json:"system"` // Debian GNU/Linux 12 (bookworm); EOS 4.34.0F
	Kernel   string `json:"kernel,omitempty"`
	Machine  string `json:"machine"`
	Hostname string `json:"hostname,omitempty"`
	// MachineID is a Linux host's /etc/machine-id.
	MachineID    string               `json:"machine_id,omitempty"`
	Switch       *eoshost.Facts       `json:"switch,omitempty"`
	Ways         []eoshost.Way        `json:"ways,omitempty"`
	Capabilities []eoshost.Capability `json:"capabilities,omitempty"`
}

// probeHost connects to a host and says what it is, and how it can be asked.
func probeHost(ctx context.Context, h host.Reader) (answer, error) {
	if sw, ok := h.(aSwitch); ok {
		return probeTheSwitch(ctx, sw)
	}
	var release, id []byte
	var uname host.Output
	err := host.Ask(ctx,
		func(ctx context.Context) (err error) { release, err = h.ReadFile(ctx, "/etc/os-release"); return err },
		func(ctx context.Context) (err error) { id, err = h.ReadFile(ctx, "/etc/machine-id"); return err },
		func(ctx context.Context) (err error) { uname, err = h.Query(ctx, "uname", "-nrm"); return err })
	if err != nil {
		return answer{}, err
	}
	l := looked{Platform: host.Linux.String(), System: "a Linux that does not name itself", MachineID: strings.TrimSpace(string(id))}
	for line := range strings.Lines(string(release)) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "PRETTY_NAME="); ok {
			l.System = strings.Trim(name, `"'`)
		}
	}
	if f := strings.Fields(string(uname.Stdout)); len(f) == 3 {
		l.Hostname, l.Kernel, l.Machine = f[0], f[1], f[2]
	}
	text := fmt.Sprintf("%s  %s, Linux %s, %s\n  calls itself %s, machine id %s\n", h.Name(), l.System, l.Kernel, l.Machine, cmp.Or(l.Hostname, "nothing"), l.MachineID)
	return answer{text, l}, nil
}

func probeTheSwitch(ctx context.Context, sw aSwitch) (answer, error) {
	f := sw.Facts()
	l := looked{Platform: host.EOS.String(), System: "EOS " + f.Version, Machine: f.Architecture, Hostname: f.Hostname, Switch: &f}
	err := host.Ask(ctx,
		func(ctx context.Context) error { l.Ways = sw.Ways(ctx); return nil },
		func(ctx context.Context) (err error) { l.Capabilities, err = sw.Capabilities(ctx); return err })
	if err != nil {
		return answer{}, err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s, EOS %s, %s\n  calls itself %s, serial %s, %s\n", sw.Name(), f.Model, f.Version, f.Architecture, f.Hostname, f.Serial, f.MAC)
	for _, w := range l.Ways {
		b.WriteString(folded("  ", w.Name+": "+wayState(w)))
	}
	for _, c := range l.Capabilities {
		b.WriteString(folded("  ", c.Name+": "+c.Holds+" ("+c.How+")"))
	}
	return answer{b.String(), l}, nil
}
