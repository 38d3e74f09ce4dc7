package network

import (
	"slices"
	"testing"

	"bisc/internal/host"
	"bisc/modules"
	"bisc/modules/kindtest"
	"bisc/modules/systemd"
)

func relayRoute() Boot {
	return Boot{
		Slug: Slug("ip-route", "198.51.100.0/24", "ashburn"), About: "Route 198.51.100.0/24 of table ashburn",
		After: []string{"bisc-net-gre-tunnel-gre1.service"}, Again: []string{"docker.service", "firewalld.service"},
		Start: []Line{
			{Argv: []string{"ip", "rule", "del", "pref", "7"}, MayFail: true},
			{Argv: []string{"ip", "route", "replace", "198.51.100.0/24", "via", "192.0.2.1"}},
		},
	}
}

func TestUnitText(t *testing.T) {
	b := relayRoute()
	if b.Name() != "bisc-net-ip-route-198.51.100.0-24-ashburn.service" {
		t.Errorf("it is named %s", b.Name())
	}
	want := `# Written by bisc: a change by hand is drift.
[Unit]
Description=Route 198.51.100.0/24 of table ashburn (kept by bisc)
After=network-online.target bisc-net-gre-tunnel-gre1.service docker.service firewalld.service
PartOf=docker.service firewalld.service
StartLimitIntervalSec=0
Wants=network-online.target bisc-net-gre-tunnel-gre1.service

[Service]
ExecStart=-ip rule del pref 7
ExecStart=ip route replace 198.51.100.0/24 via 192.0.2.1
RemainAfterExit=yes
Restart=on-failure
RestartSec=10s
TimeoutStartSec=60s
Type=oneshot

[Install]
WantedBy=multi-user.target docker.service firewalld.service
`
	if got := string(systemd.Render(b.unit(false).Sections)); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	if err := b.unit(false).Validate(); err != nil {
		t.Error(err)
	}
}

// Whatever a word holds, systemd hands it to the program as it is: no variable, no specifier, no prefix, no further command.
func TestExecWord(t *testing.T) {
	for word, want := range map[string]string{
		"ip": "ip", "10.0.0.0/8": "10.0.0.0/8", "a b": `"a b"`, "$HOME": "$$HOME", "100%": "100%%", `a"b`: `"a\"b"`, `a\b`: `"a\\b"`,
		"": `""`, ";": `";"`, "-A": "-A", "!": "!", "a\nb": `"a\nb"`, "it's": `"it's"`,
	} {
		if got := execWord(word); got != want {
			t.Errorf("%q becomes %s, want %s", word, got, want)
		}
	}
}

func TestJoin(t *testing.T) {
	live := modules.Change{Diffs: []modules.Diff{{Attr: "via", Got: "192.0.2.9", Want: "192.0.2.1"}}}
	live.Do(host.Script{Argv: []string{"ip", "route", "replace", "x"}})
	put := modules.Change{Diffs: []modules.Diff{{Attr: "content", Got: "(none)", Want: "some", Boot: true}}}
	put.Do(host.Put{Path: relayRoute().Path(), Mode: 0o644})
	run := `step: run systemctl restart -- bisc-net-ip-route-198.51.100.0-24-ashburn.service  [guards: stops nothing else]` + "\n"
	fine := Booted{boot: relayRoute(), partOf: []string{"docker.service", "firewalld.service"},
		links: []string{"docker.service", "firewalld.service", "multi-user.target"}, state: systemd.State{Active: "active"}}
	with := func(change func(*Booted)) Booted { b := fine; change(&b); return b }
	for name, tt := range map[string]struct {
		booted Booted
		live   modules.Change
		want   string
		cuts   string
	}{
		"in sync":                             {fine, modules.Change{}, "in sync\n", ""},
		"in sync, and it has never run":       {with(func(b *Booted) { b.state.Active = "inactive" }), modules.Change{}, "in sync\n", ""},
		"the kernel differs":                  {fine, live, "now via: 192.0.2.9 -> 192.0.2.1\nstep: run ip route replace x\n" + run, "the network's configuration"},
		"the unit is not there":               {with(func(b *Booted) { b.change = put; b.links, b.partOf = nil, nil; b.state.Active = "inactive" }), modules.Change{}, "boot unit: (none) -> some\nboot restart of docker: not done again -> done again\nboot restart of firewalld: not done again -> done again\nstep: put /etc/systemd/system/bisc-net-ip-route-198.51.100.0-24-ashburn.service (0 bytes, sha256:e3b0c44298fc, mode 0644, owner 0:0)\n", ""},
		"no link in docker's folder":          {with(func(b *Booted) { b.links = []string{"firewalld.service", "multi-user.target"} }), modules.Change{}, "boot restart of docker: not done again -> done again\n", ""},
		"no part of docker":                   {with(func(b *Booted) { b.partOf = []string{"firewalld.service"} }), modules.Change{}, "boot restart of docker: not done again -> done again\n", ""},
		"its lines failed":                    {with(func(b *Booted) { b.state.Active = "failed" }), modules.Change{}, "boot run: failed (, status ) -> done\n" + run, "the network's configuration"},
		"its lines fail, and are tried again": {with(func(b *Booted) { b.state.Active, b.state.Sub = "activating", "auto-restart" }), modules.Change{}, "boot run: activating (, status ) -> done\n" + run, "the network's configuration"},
		"to be absent, and is":                {with(func(b *Booted) { b.absent = true; b.links, b.partOf = nil, nil; b.state.Active = "inactive" }), modules.Change{}, "in sync\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := tt.booted.Join(tt.live)
			if got := kindtest.Print(c); got != tt.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, tt.want)
			}
			if c.Cuts != tt.cuts {
				t.Errorf("it cuts %q, want %q", c.Cuts, tt.cuts)
			}
		})
	}
}

// A revert that leaves a link would leave a boot that waits for a unit that is not there.
func TestRevertHasEveryFile(t *testing.T) {
	b := Booted{boot: relayRoute(), links: []string{"rescue.target"}}
	var got []string
	c := b.Join(modules.Change{})
	for _, f := range c.Back.Files {
		got = append(got, f.Path)
	}
	name := "bisc-net-ip-route-198.51.100.0-24-ashburn.service"
	want := []string{"/etc/systemd/system/" + name}
	for _, by := range []string{"docker.service", "firewalld.service", "multi-user.target", "rescue.target"} {
		want = append(want, "/etc/systemd/system/"+by+".wants/"+name)
	}
	if !slices.Equal(got, want) || !slices.Equal(c.Back.Units, []string{name}) {
		t.Errorf("it puts back %q and %q", got, c.Back.Units)
	}
}

// A label is no specifier of systemd's.
func TestBootAbout(t *testing.T) {
	if got := (Boot{Slug: "x", About: "100%d"}).unit(false).Sections["Unit"]["Description"][0]; got != "100%%d (kept by bisc)" {
		t.Errorf("Description=%s", got)
	}
}
