package systemd

import (
	"strings"
	"testing"

	"bisc/internal/host"
	"bisc/modules"
	"bisc/modules/files"
	"bisc/modules/kindtest"
)

func TestUnitValidate(t *testing.T) {
	service := modules.Sections{"Service": {"ExecStart": {"/bin/true"}}}
	wanted := modules.Sections{"Service": {"ExecStart": {"/bin/true"}}, "Install": {"WantedBy": {"multi-user.target"}}}
	for name, tt := range map[string]struct {
		unit Unit
		want string
	}{
		"fine":                {Unit{Name: "x.service", Sections: wanted, Enabled: is(true)}, ""},
		"template":            {Unit{Name: "x@.service", Sections: service}, ""},
		"enabled template":    {Unit{Name: "x@.service", Sections: wanted, Enabled: is(true)}, "by instance"},
		"mount":               {Unit{Name: "srv-solana.mount", Sections: service}, "mount and bind"},
		"path":                {Unit{Name: "../x.service", Sections: service}, "not the name of a unit"},
		"no name":             {Unit{Name: ".service", Sections: service}, "not the name of a unit"},
		"nothing wants it":    {Unit{Name: "x.service", Sections: service, Enabled: is(true)}, "no [Install]"},
		"absent":              {Unit{Name: "x.service", Absent: true}, ""},
		"absent with content": {Unit{Name: "x.service", Absent: true, Content: "[Unit]\nAfter=x\n"}, "absent:"},
		"empty":               {Unit{Name: "x.service"}, "write sections"},
	} {
		t.Run(name, func(t *testing.T) { wantError(t, tt.unit.Validate(), tt.want) })
	}
}

func TestDropInValidate(t *testing.T) {
	order := modules.Sections{"Unit": {"After": {"x.mount"}}}
	for name, tt := range map[string]struct {
		label    string
		sections modules.Sections
		want     string
	}{
		"fine":        {"docker.service/10-gate", order, ""},
		"mount":       {"srv-solana.mount/10-gate", order, ""},
		"template":    {"getty@.service/10-gate", order, ""},
		"no name":     {"docker.service", order, "UNIT/NAME"},
		"no unit":     {"docker/10-gate", order, "must end in"},
		"suffix":      {"docker.service/10-gate.conf", order, "without .conf"},
		"two slashes": {"docker.service/../10-gate", order, "no name for a piece"},
		"hidden":      {"docker.service/.gate", order, "no name for a piece"},
		"empty":       {"docker.service/10-gate", nil, "write sections"},
	} {
		t.Run(name, func(t *testing.T) {
			d := DropInKind.New(tt.label).(*DropIn)
			d.Sections = tt.sections
			wantError(t, d.Validate(), tt.want)
		})
	}
}

func TestTimerValidate(t *testing.T) {
	for name, tt := range map[string]struct {
		timer Timer
		want  string
	}{
		"fine":               {Timer{Name: "x.timer", OnCalendar: []string{"daily"}, Persistent: true}, ""},
		"after boot":         {Timer{Name: "x.timer", OnBoot: 1, OnUnitActive: 1}, ""},
		"it reboots":         {Timer{Name: "x.timer", OnCalendar: []string{"daily"}, Unit: "reboot.target"}, "ends or suspends the host"},
		"it reboots by name": {Timer{Name: "systemd-reboot.timer", OnCalendar: []string{"daily"}}, "ends or suspends the host"},
		"no time":            {Timer{Name: "x.timer"}, "on_calendar:"},
		"service":            {Timer{Name: "x.service", OnCalendar: []string{"daily"}}, "must end in .timer"},
		"persistent of what": {Timer{Name: "x.timer", OnBoot: 1, Persistent: true}, "persistent:"},
		"before boot":        {Timer{Name: "x.timer", OnBoot: -1}, "never comes"},
		"a line of its own":  {Timer{Name: "x.timer", OnCalendar: []string{"daily\nUnit=other.service"}}, "newline"},
		"absent":             {Timer{Name: "x.timer", Absent: true}, ""},
	} {
		t.Run(name, func(t *testing.T) { wantError(t, tt.timer.Validate(), tt.want) })
	}
}

// What is in the way of the file is told alone: a reload or a link would not help, and a start would run the old thing.
func TestObstacleHasNoSteps(t *testing.T) {
	link := files.Found{Exists: true, Stat: host.Stat{Type: host.Char, Link: "/dev/null"}, Parent: host.Directory}
	u := Unit{Name: "x.service", Sections: modules.Sections{"Service": {"ExecStart": {"/bin/true"}}, "Install": {"WantedBy": {"a.target"}}}}
	c, err := u.decide(observed{file: link, state: seen(t, "LoadState=masked")}, Render(u.Sections))
	if err != nil || len(c.Steps) > 0 || len(c.Diffs) != 1 || c.Diffs[0].Why == "" {
		t.Errorf("got %s, %v", kindtest.Print(c), err)
	}
	timer := Timer{Name: "x.timer"}
	timer.waits(&c, seen(t, "ActiveState=inactive"))
	if len(c.Steps) > 0 {
		t.Errorf("the timer is started over it: %s", kindtest.Print(c))
	}
}

func TestUnitThatSystemdRefuses(t *testing.T) {
	u := Unit{Name: "x.service", Sections: modules.Sections{"Service": {"ExecStart": {"/bin/true"}}}}
	content := Render(u.Sections)
	file := files.Found{Exists: true, Stat: host.Stat{Type: host.Regular, Mode: 0o644}, Content: content, Parent: host.Directory}
	c, err := u.decide(observed{file: file, state: seen(t, "LoadState=bad-setting", "FragmentPath="+u.Path(), `LoadError=org.freedesktop.systemd1.BadUnitSetting "Unit x.service has a bad unit file setting."`)}, content)
	want := "now loaded: bad-setting -> loaded\n    why: systemd does not accept the file: org.freedesktop.systemd1.BadUnitSetting \"Unit x.service has a bad unit file setting.\"\n"
	if got := kindtest.Print(c); err != nil || got != want {
		t.Errorf("got %s, %v", got, err)
	}
}

func TestUnitThatStopsMoreIsLeft(t *testing.T) {
	u := Unit{Name: "x.service", Absent: true}
	file := files.Found{Exists: true, Stat: host.Stat{Type: host.Regular}, Content: []byte("x"), Parent: host.Directory}
	for _, closure := range [][]string{{"x.service", "y.service"}, {"x.service", "docker.service"}} {
		if c := u.removal(observed{file: file, state: seen(t)}, closure); len(c.Steps) > 0 || c.Diffs[0].Why == "" {
			t.Errorf("%q: %s", closure, kindtest.Print(c))
		}
	}
	docker := Unit{Name: "docker.service", Absent: true}
	if c := docker.removal(observed{file: file, state: seen(t)}, []string{"docker.service"}); len(c.Steps) > 0 {
		t.Errorf("docker is stopped: %s", kindtest.Print(c))
	}
	slice := Unit{Name: "x.slice", Absent: true}
	if c := slice.removal(observed{file: file, state: seen(t)}, []string{"x.slice"}); len(c.Steps) > 0 {
		t.Errorf("a slice with all in it is stopped: %s", kindtest.Print(c))
	}
}

func TestTemplateIsNotAskedFor(t *testing.T) {
	u := Unit{Name: "x@.service", Sections: modules.Sections{"Service": {"ExecStart": {"/bin/true"}}}}
	c, err := u.decide(observed{file: files.Found{Parent: host.Directory}}, Render(u.Sections))
	if err != nil || !strings.Contains(kindtest.Print(c), "step: run systemctl daemon-reload") {
		t.Errorf("got %s, %v", kindtest.Print(c), err)
	}
}
