package files

import (
	"strings"
	"testing"

	"bisc/internal/host"
	"bisc/modules"
	"bisc/modules/kindtest"
)

func TestReplay(t *testing.T) { kindtest.Replay(t, "testdata/*.txtar", FileKind, CommandKind) }

func TestFileValidate(t *testing.T) {
	for name, tt := range map[string]struct {
		file File
		want string // part of the error; empty: none
	}{
		"fine":                {File{Path: "/etc/x", Content: modules.Text{Value: "a"}}, ""},
		"relative":            {File{Path: "etc/x"}, "not a full path"},
		"dots":                {File{Path: "/etc/../x"}, "not a full path"},
		"slash at the end":    {File{Path: "/etc/x/"}, "not a full path"},
		"newline":             {File{Path: "/etc/a\nb"}, "newline"},
		"absent and content":  {File{Path: "/etc/x", Absent: true, Content: modules.Text{Value: "a"}}, "absent:"},
		"verify names it not": {File{Path: "/etc/x", Verify: []string{"true"}}, "{path}"},
		"verify":              {File{Path: "/etc/x", Verify: []string{"nginx", "-c{path}"}}, ""},
		"sudo ignores it":     {File{Path: "/etc/sudoers.d/bisc.conf"}, "sudo ignores"},
	} {
		t.Run(name, func(t *testing.T) { wantError(t, tt.file.Validate(), tt.want) })
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

func TestPresets(t *testing.T) {
	for name, tt := range map[string]struct{ path, want string }{
		"sudoers":        {"/etc/sudoers", "visudo -c -f '{path}'"},
		"sudoers.d":      {"/etc/sudoers.d/bisc", "visudo -c -f '{path}'"},
		"sshd_config":    {"/etc/ssh/sshd_config", "/usr/sbin/sshd -t -f '{path}'"},
		"sshd_config.d":  {"/etc/ssh/sshd_config.d/bisc.conf", "/usr/sbin/sshd -t -f '{path}'"},
		"fstab":          {"/etc/fstab", "findmnt --verify --tab-file '{path}'"},
		"something else": {"/etc/sudoers.lecture", ""},
	} {
		t.Run(name, func(t *testing.T) {
			file := File{Path: tt.path, Mode: 0o440}
			put := file.wanted(nil).Change(Found{Parent: host.Directory}).Steps[0].(host.Put)
			if got := host.Quote(put.Verify...); got != tt.want {
				t.Errorf("verified by %q, want %q", got, tt.want)
			}
		})
	}
	own := File{Path: "/etc/sudoers.d/bisc", Verify: []string{"check", "{path}"}}
	if got := host.Quote(own.wanted(nil).Verify...); got != "check '{path}'" {
		t.Errorf("an own verify does not take the preset's place: %s", got)
	}
}
