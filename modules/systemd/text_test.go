package systemd

import (
	"strings"
	"testing"

	"bisc/modules"
)

func TestRenderHasOneOrder(t *testing.T) {
	got := string(Render(modules.Sections{
		"Install": {"WantedBy": {"multi-user.target"}},
		"Service": {"Type": {"oneshot"}, "ExecStart": {"/bin/a", "/bin/b"}, "Environment": {"", "A=1"}},
		"Unit":    {"After": {"b.mount", "a.mount"}, "Description": {"x"}},
	}))
	want := written + `[Unit]
Description=x
After=b.mount
After=a.mount

[Service]
Environment=
Environment=A=1
ExecStart=/bin/a
ExecStart=/bin/b
Type=oneshot

[Install]
WantedBy=multi-user.target
`
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	options, err := parse([]byte(got))
	if err != nil || len(options) != 9 {
		t.Errorf("it does not read back: %d options, %v", len(options), err)
	}
}

func TestSectionsAreChecked(t *testing.T) {
	for name, tt := range map[string]struct {
		sections modules.Sections
		want     string
	}{
		"fine":                 {modules.Sections{"Unit": {"AssertPathIsMountPoint": {"/srv"}, "X-Note": {"ours"}}}, ""},
		"own section":          {modules.Sections{"X-Bisc": {"Anything": {"goes"}}}, ""},
		"newer than ours":      {modules.Sections{"Unit": {"WantsMountsFor": {"/srv"}}}, ""},
		"slip of the pen":      {modules.Sections{"Unit": {"AssertPathIsMountpiont": {"/srv"}}}, "did you mean AssertPathIsMountPoint?"},
		"wrong section":        {modules.Sections{"Service": {"After": {"x"}}}, "[Service] has no directive After"},
		"a line of its own":    {modules.Sections{"Service": {"ExecStart": {"/bin/a\nUser=root"}}}, "newline"},
		"swallows the next":    {modules.Sections{"Service": {"ExecStart": {`/bin/a \`}}}, "backslash"},
		"section that escapes": {modules.Sections{"Unit]\n[Service": {"User": {"x"}}}, "not the name of a section"},
		"name that escapes":    {modules.Sections{"Unit": {"After=x\nWants": {"x"}}}, "not the name of a directive"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := body(tt.sections, "")
			wantError(t, err, tt.want)
		})
	}
}

func TestBodyIsOneOfTwo(t *testing.T) {
	one := modules.Sections{"Unit": {"After": {"x"}}}
	for name, tt := range map[string]struct {
		sections modules.Sections
		content  string
		want     string
	}{
		"sections":     {one, "", ""},
		"content":      {nil, "[Unit]\nAfter=x\n", ""},
		"both":         {one, "[Unit]\nAfter=x\n", "not both"},
		"neither":      {nil, "", "write sections"},
		"no directive": {nil, "# nothing\n", "no directive"},
		"no unit file": {nil, "[Unit\nAfter=x\n", "not a unit file"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := body(tt.sections, tt.content)
			wantError(t, err, tt.want)
		})
	}
}

func TestDirectivesAreThere(t *testing.T) {
	known := directives()
	for _, section := range []string{"Unit", "Install", "Service", "Timer", "Socket", "Path", "Slice"} {
		if len(known[section]) < 5 {
			t.Errorf("[%s] has %d known directives", section, len(known[section]))
		}
	}
}

func TestReadInstall(t *testing.T) {
	in, err := readInstall([]byte("[Unit]\nWantedBy=no.target\n[Install]\nWantedBy=b.target a.target\nWantedBy=a.target\nAlias=gone.service\nAlias=\nAlias=x.service\n"))
	if err != nil || in.String() != "WantedBy=a.target b.target, Alias=x.service" {
		t.Errorf("got %q, %v", in, err)
	}
}

// What follows an unknown unit in an answer must not be taken for its own.
func TestParseState(t *testing.T) {
	s := seen(t, "MainPID=49", "ExecMainStartTimestamp=Sat 2026-11-21 22:27:13.162422 UTC",
		"ExecStart={ path=/usr/sbin/sshd ; argv[]=/usr/sbin/sshd -D $SSHD_OPTS ; ignore_errors=no ; start_time=[n/a] ; pid=49 }",
		"EnvironmentFiles=/etc/default/ssh (ignore_errors=yes)", "DropInPaths=/a.conf /b.conf")
	if got := strings.Join(append(append(s.Programs(), s.EnvironmentFiles()...), s.DropIns...), " "); got != "/usr/sbin/sshd /etc/default/ssh /a.conf /b.conf" {
		t.Errorf("paths: %s", got)
	}
	if s.Started.UnixMicro() != 1795300033162422 || s.MainPID != 49 {
		t.Errorf("started %v (%d), pid %d", s.Started, s.Started.UnixMicro(), s.MainPID)
	}
	for _, bad := range []string{"", "LoadState=loaded\n", "ActiveState=active\n", "LoadState=loaded\nActiveState=active\nActiveEnterTimestamp=yesterday\n"} {
		if _, err := ParseState("x.service", bad); err == nil {
			t.Errorf("%q passes for an answer", bad)
		}
	}
}
