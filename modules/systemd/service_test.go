package systemd

import (
	"slices"
	"strings"
	"testing"
	"time"

	"bisc/internal/host"
	"bisc/modules"
	"bisc/modules/kindtest"
)

func TestReplay(t *testing.T) {
	kindtest.Replay(t, "testdata/*.txtar", UnitKind, DropInKind, TimerKind, ServiceKind, pointKind)
}

// pointKind stands for the storage kinds: all that this package asks of them is a mount point.
var pointKind = modules.Kind{Name: "point", New: func(label string) modules.Resource { return &point{at: label} }}

type point struct {
	modules.Resource
	at string
}

func (p *point) MountPoint() string { return p.at }

// seen is a unit's state: a running, enabled service but for the lines given.
func seen(t *testing.T, lines ...string) State {
	t.Helper()
	text := "LoadState=loaded\nActiveState=active\nSubState=running\nType=simple\nRemainAfterExit=no\nUnitFileState=enabled\nNeedDaemonReload=no\nFragmentPath=/lib/systemd/system/x.service\nMainPID=77\nConflicts=shutdown.target\n"
	for _, line := range lines {
		name, _, _ := strings.Cut(line, "=")
		text = strings.Join(slices.DeleteFunc(strings.SplitAfter(text, "\n"), func(l string) bool { return strings.HasPrefix(l, name+"=") }), "") + line + "\n"
	}
	s, err := ParseState("x.service", text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// rivalled is a unit that does not run, and what conflicts with it.
func rivalled(t *testing.T, r ...rival) State {
	s := seen(t, "ActiveState=inactive")
	s.rivals = r
	return s
}

func is(b bool) *bool { return &b }

func TestServiceDecides(t *testing.T) {
	changed := []newerFile{{"/etc/default/x", time.Date(2026, 3, 9, 10, 0, 0, 0, time.UTC)}}
	alone := []string{"x.service"}
	for name, tt := range map[string]struct {
		service Service
		state   State
		newer   []newerFile
		closure []string
		want    string
	}{
		"in sync":  {Service{}, seen(t), nil, nil, "in sync\n"},
		"inactive": {Service{}, seen(t, "ActiveState=inactive"), nil, nil, "now active: inactive -> active\nstep: systemd start x.service\nsettle: 30s\n"},
		"failed": {Service{}, seen(t, "ActiveState=failed", "Result=exit-code", "ExecMainStatus=3"), nil, nil,
			"now active: failed (exit-code, status 3) -> active\nstep: systemd start x.service\nsettle: 30s\n"},
		"crash loop": {Service{}, seen(t, "ActiveState=activating", "SubState=auto-restart"), nil, nil,
			"now active: activating (auto-restart) -> active\nstep: systemd start x.service\nsettle: 30s\n"},
		"reloading is up": {Service{}, seen(t, "ActiveState=reloading"), nil, nil, "in sync\n"},
		"disabled": {Service{}, seen(t, "UnitFileState=disabled"), nil, nil,
			"boot enabled: disabled -> enabled\nstep: run systemctl enable -- x.service\n"},
		"enabled until the next boot only": {Service{}, seen(t, "UnitFileState=enabled-runtime"), nil, nil,
			"boot enabled: enabled-runtime -> enabled\nstep: run systemctl enable -- x.service\n"},
		"static":             {Service{}, seen(t, "UnitFileState=static"), nil, nil, "in sync\n"},
		"a unit block rules": {Service{unitBlock: true}, seen(t, "UnitFileState=disabled"), nil, nil, "in sync\n"},
		"static, told to be enabled": {Service{Enabled: is(true)}, seen(t, "UnitFileState=static"), nil, nil,
			"boot enabled: static -> enabled\n    why: the unit has no [Install] section that says what wants it: add one with a unit block, or leave enabled out\n"},
		"to be disabled": {Service{Enabled: is(false)}, seen(t), nil, nil,
			"boot enabled: enabled -> disabled\nstep: run systemctl disable -- x.service\n"},
		"masked by hand": {Service{}, seen(t, "UnitFileState=masked", "LoadState=masked", "ActiveState=inactive"), nil, nil,
			"boot enabled: masked -> not masked\nnow active: inactive -> active\nstep: run systemctl unmask -- x.service\nstep: run systemctl enable -- x.service\nstep: systemd start x.service\nsettle: 30s\n"},
		"masked until the next boot": {Service{unitBlock: true}, seen(t, "UnitFileState=masked-runtime", "LoadState=masked"), nil, nil,
			"boot enabled: masked-runtime -> not masked\nstep: run systemctl --runtime unmask -- x.service\n"},
		"to be masked": {Service{Masked: true}, seen(t, "ActiveState=inactive"), nil, nil,
			"boot enabled: enabled -> masked\nstep: run systemctl mask -- x.service\n"},
		"masked and stopped": {Service{Masked: true}, seen(t, "UnitFileState=masked", "LoadState=masked", "ActiveState=failed"), nil, nil, "in sync\n"},
		"no such unit": {Service{}, seen(t, "LoadState=not-found", "ActiveState=inactive", "UnitFileState="), nil, nil,
			"now loaded: not-found -> loaded\n    why: systemd knows no such unit: it comes with a package or a unit block\n"},
		"no such unit, and none wanted": {Service{Active: is(false)}, seen(t, "LoadState=not-found", "ActiveState=inactive", "UnitFileState="), nil, nil, "in sync\n"},
		"files changed": {Service{}, seen(t, "NeedDaemonReload=yes"), nil, nil,
			"now loaded: files changed since systemd read them -> what is on disk\nstep: run systemctl daemon-reload\n"},
		"a oneshot that has run": {Service{}, seen(t, "Type=oneshot", "ActiveState=inactive"), nil, nil, "in sync\n"},
		"a oneshot that failed": {Service{}, seen(t, "Type=oneshot", "ActiveState=failed", "Result=timeout"), nil, nil,
			"now active: failed (timeout) -> active\nstep: systemd start x.service\nsettle: 30s\n"},
		"a oneshot that remains": {Service{}, seen(t, "Type=oneshot", "RemainAfterExit=yes", "ActiveState=inactive"), nil, nil,
			"now active: inactive -> active\nstep: systemd start x.service\nsettle: 30s\n"},
		"what conflicts is down": {Service{}, rivalled(t, rival{"y.service", false, []string{"y.service"}}), nil, nil,
			"now active: inactive -> active\nstep: systemd start x.service\nsettle: 30s\n"},
		"what conflicts is up": {Service{}, rivalled(t, rival{"y.service", true, []string{"y.service", "z.service"}}), nil, nil,
			"now active: inactive -> active (stops y.service, z.service)\nstep: run systemctl start -- x.service  [guards: no validator lives, stops nothing else]\nsettle: 30s\n"},
		"its start would stop docker": {Service{}, rivalled(t, rival{"docker.service", true, []string{"docker.service"}}), nil, nil,
			"now active: inactive -> active (stops docker.service)\nstep: run systemctl start -- x.service  [guards: no validator lives, stops nothing else]\ndestroys: stops docker.service and everything that runs there\nsettle: 30s\n"},
		"its start would stop docker, were it up by then": {Service{}, rivalled(t, rival{"docker.service", false, []string{"docker.service"}}), nil, nil,
			"now active: inactive -> active\nstep: run systemctl start -- x.service  [guards: no validator lives]\nsettle: 30s\n"},
		"its start would stop a wanted mount by another": {Service{wantedMounts: []string{`srv-a\x2db.mount`}}, rivalled(t, rival{"y.service", true, []string{"y.service", `srv-a\x2db.mount`}}), nil, nil,
			"now active: inactive -> active (stops y.service, srv-a\\x2db.mount)\nstep: run systemctl start -- x.service  [guards: no validator lives, stops nothing else]\ndestroys: stops srv-a\\x2db.mount and everything that runs there\nsettle: 30s\n"},
		"debt": {Service{}, seen(t, "ExecMainStartTimestamp=Sat 2026-03-07 10:00:01.5 UTC"), changed, nil,
			"now restart: runs since 2026-03-07 10:00:01 UTC; newer: /etc/default/x (2026-03-09 10:00:00 UTC) -> started after its files\n    why: restart = true is not set\n"},
		"debt to be paid": {Service{Restart: true}, seen(t, "ExecMainStartTimestamp=Sat 2026-03-07 10:00:01.5 UTC"), changed, alone,
			"now restart: runs since 2026-03-07 10:00:01 UTC; newer: /etc/default/x (2026-03-09 10:00:00 UTC) -> started after its files\nstep: run systemctl restart -- x.service  [guards: no validator in what stops, stops nothing else]\nsettle: 30s\n"},
		"debt that docker hangs on": {Service{Restart: true}, seen(t, "ExecMainStartTimestamp=Sat 2026-03-07 10:00:01.5 UTC"), changed, []string{"x.service", "docker.service"},
			"now restart: runs since 2026-03-07 10:00:01 UTC; newer: /etc/default/x (2026-03-09 10:00:00 UTC) -> started after its files\n    why: a restart would stop docker.service, in which or on which a validator may live (rule 13): bisc leaves that to a maintenance window\n"},
		"debt that a wanted mount hangs on": {Service{Restart: true, wantedMounts: []string{"srv-solana.mount"}}, seen(t, "ExecMainStartTimestamp=Sat 2026-03-07 10:00:01.5 UTC"), changed, []string{"x.service", "srv-solana.mount"},
			"now restart: runs since 2026-03-07 10:00:01 UTC; newer: /etc/default/x (2026-03-09 10:00:00 UTC) -> started after its files\n    why: a restart would stop srv-solana.mount, in which or on which a validator may live (rule 13): bisc leaves that to a maintenance window\n"},
		"stop": {Service{Active: is(false)}, seen(t), nil, alone,
			"now active: active -> inactive\nstep: run systemctl stop -- x.service  [guards: no validator in what stops, stops nothing else]\nsettle: 30s\n"},
		"stop that runs a program": {Service{Active: is(false)}, seen(t, "ExecStop={ path=/usr/local/sbin/let-validator-exit }"), nil, alone,
			"now active: active -> inactive\nstep: run systemctl stop -- x.service  [guards: no validator lives, stops nothing else]\nsettle: 30s\n"},
		"stop of more than itself": {Service{Active: is(false)}, seen(t), nil, []string{"x.service", "y.service"},
			"now active: active -> inactive\nstep: run systemctl stop -- x.service  [guards: no validator lives, stops nothing else]\nsettle: 30s\n"},
		"restart that runs a program": {Service{Restart: true}, seen(t, "ExecStopPost={ path=/bin/x }", "ExecMainStartTimestamp=Sat 2026-03-07 10:00:01.5 UTC"), changed, alone,
			"now restart: runs since 2026-03-07 10:00:01 UTC; newer: /etc/default/x (2026-03-09 10:00:00 UTC) -> started after its files\nstep: run systemctl restart -- x.service  [guards: no validator lives, stops nothing else]\nsettle: 30s\n"},
		"stop what docker hangs on": {Service{Active: is(false)}, seen(t), nil, []string{"x.service", "docker.service", "docker.socket"},
			"now active: active -> inactive\nstep: run systemctl stop -- x.service  [guards: no validator lives, stops nothing else]\ndestroys: stops docker.service, docker.socket and everything that runs there\nsettle: 30s\n"},
	} {
		t.Run(name, func(t *testing.T) {
			s := tt.service
			s.Name, s.Settle = "x.service", 30*time.Second
			if got := kindtest.Print(s.decide(tt.state, tt.newer, tt.closure)); got != tt.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, tt.want)
			}
		})
	}
}

// Rule 13: whatever the block says, no debt restarts docker or containerd, even where the validator cannot be seen to
// hang on anything else.
func TestDockerIsNeverRestarted(t *testing.T) {
	newer := []newerFile{{path: "/usr/bin/dockerd"}}
	for _, unit := range []string{"docker.service", "docker.socket", "containerd.service"} {
		s := Service{Name: unit, Restart: true}
		if s.Validate() == nil {
			t.Errorf("%s: restart = true passes", unit)
		}
		c := s.decide(seen(t, "ExecMainStartTimestamp=Sat 2026-03-07 10:00:01 UTC"), newer, []string{unit})
		if len(c.Steps) > 0 || c.Diffs[0].Why == "" {
			t.Errorf("%s: a debt is paid: %s", unit, kindtest.Print(c))
		}
		s = Service{Name: unit, Active: is(false)}
		c = s.decide(seen(t), nil, []string{unit})
		if len(c.Destroys) == 0 || !slices.Contains(guardNames(c), "no validator lives") {
			t.Errorf("%s: stopped without a word: %s", unit, kindtest.Print(c))
		}
	}
}

func guardNames(c modules.Change) []string {
	var out []string
	for _, s := range c.Steps {
		if s, ok := s.(host.Script); ok {
			for _, g := range s.Guards {
				out = append(out, g.Name)
			}
		}
	}
	return out
}

func TestServiceValidate(t *testing.T) {
	for name, tt := range map[string]struct {
		service Service
		want    string
	}{
		"fine":                   {Service{Name: "x.service"}, ""},
		"socket":                 {Service{Name: "docker.socket", Active: is(true)}, ""},
		"instance":               {Service{Name: "getty@tty1.service"}, ""},
		"no suffix":              {Service{Name: "docker"}, "must end in"},
		"mount":                  {Service{Name: "srv-solana.mount"}, "must end in"},
		"template":               {Service{Name: "getty@.service"}, "name an instance"},
		"blank":                  {Service{Name: "a b.service"}, "not the name of a unit"},
		"option":                 {Service{Name: "--now.service"}, ""},
		"masked and active":      {Service{Name: "x.service", Masked: true, Active: is(true)}, "neither"},
		"masked and enabled":     {Service{Name: "x.service", Masked: true, Enabled: is(true)}, "neither"},
		"reboot":                 {Service{Name: "reboot.target"}, "ends or suspends the host"},
		"reboot, by service":     {Service{Name: "systemd-reboot.service", Active: is(true)}, "ends or suspends the host"},
		"reboot, at boot":        {Service{Name: "reboot.target", Active: is(false)}, "ends or suspends the host"},
		"reboot, asserted":       {Service{Name: "reboot.target", Active: is(false), Enabled: is(false)}, ""},
		"reboot, masked":         {Service{Name: "ctrl-alt-del.target", Masked: true}, ""},
		"rescue":                 {Service{Name: "rescue.service"}, "ends or suspends the host"},
		"runlevel":               {Service{Name: "runlevel6.target"}, "ends or suspends the host"},
		"a service of that name": {Service{Name: "reboot.service"}, ""},
		"restart when off":       {Service{Name: "x.service", Active: is(false), Restart: true}, "owes no restart"},
	} {
		t.Run(name, func(t *testing.T) { wantError(t, tt.service.Validate(), tt.want) })
	}
}

func wantError(t *testing.T, err error, want string) {
	t.Helper()
	switch {
	case want == "" && err != nil:
		t.Errorf("unexpected: %v", err)
	case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
		t.Errorf("got %v, want something about %q", err, want)
	}
}

func TestServiceMeets(t *testing.T) {
	s := &Service{Name: "x.service"}
	s.Meet([]modules.Resource{s, &point{at: "/srv/solana/ram-disk"}, &point{}, &Unit{Name: "x.service"}})
	if want := []string{`srv-solana-ram\x2ddisk.mount`}; !slices.Equal(s.wantedMounts, want) || !s.unitBlock {
		t.Errorf("mounts %q, unit block %v", s.wantedMounts, s.unitBlock)
	}
}
