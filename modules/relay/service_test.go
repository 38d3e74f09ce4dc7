package relay

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"bisc/internal/host"
	"bisc/modules"
	"bisc/modules/files"
	"bisc/modules/kindtest"
	"bisc/modules/systemd"
)

// daemon is the resource of these tests.
func daemon() *Service {
	return &Service{
		Name: "shredunwrap", Settings: map[string]string{"to": "127.0.0.1:9000"}, Sockets: map[string]string{"ip": "192.0.2.1:9100"},
		Limit: time.Minute, Settle: 45 * time.Second, binary: &Binary{Name: "shredunwrap"},
	}
}

var start = time.Date(2026, 11, 22, 5, 0, 0, 500, time.UTC)

// at is so many seconds after the start of the process.
func at(seconds int) time.Time {
	return start.Truncate(time.Second).Add(time.Duration(seconds) * time.Second)
}

func unitIs(t *testing.T, name, active string, props ...string) unitSeen {
	t.Helper()
	text := "LoadState=loaded\nActiveState=" + active + "\n" + strings.Join(props, "\n") + "\n"
	state, err := systemd.ParseState(name, text)
	if err != nil {
		t.Fatal(err)
	}
	state.Started, state.Entered = start, start
	return unitSeen{name: name, state: state, mtime: at(-10)}
}

// healthily is a daemon that is all that it should be.
func healthily(t *testing.T, change ...func(*serving)) serving {
	t.Helper()
	s := daemon()
	o := serving{
		want: wanted, program: installed(), digest: ours, health: healthy,
		settings: files.Found{Exists: true, Stat: host.Stat{Type: host.Regular, Mode: 0o644, ModTime: at(0)}, Content: s.text(), Parent: host.Directory},
		service:  unitIs(t, "bisc-shredunwrap.service", "active", "MainPID=7"),
		sockets:  []unitSeen{unitIs(t, "bisc-shredunwrap-ip.socket", "active")},
		closure:  []string{"bisc-shredunwrap.service", "bisc-shredunwrap-ip.socket"},
	}
	for _, f := range change {
		f(&o)
	}
	return o
}

// written is what a unit needs whose file is another.
func written(name string) modules.Change {
	c := modules.Change{Diffs: []modules.Diff{{Attr: "content", Got: "a", Want: "b", Boot: true}}}
	c.Do(host.Put{Path: "/etc/systemd/system/" + name, Content: []byte("x"), Mode: 0o644}, host.Script{Argv: []string{"systemctl", "daemon-reload"}})
	return c
}

func TestServiceDecides(t *testing.T) {
	const (
		service = "step: run systemctl restart -- bisc-shredunwrap.service  [guards: no validator in what stops, stops nothing else]\nsettle: 45s\n"
		both    = "step: run systemctl restart -- bisc-shredunwrap.service bisc-shredunwrap-ip.socket  [guards: no validator in what stops, stops nothing else, stops nothing else]\nsettle: 45s\n"
		begin   = "step: systemd start bisc-shredunwrap.service\nsettle: 45s\n"
		reload  = "step: run systemctl daemon-reload\n"
	)
	put := func(name string) string {
		return "step: put /etc/systemd/system/" + name + " (1 bytes, sha256:2d711642b726, mode 0644, owner 0:0)\n"
	}
	state := func(active string) func(*serving) {
		return func(o *serving) {
			o.service.state.Active, o.service.state.MainPID, o.digest, o.health = active, 0, "", ""
		}
	}
	for name, tt := range map[string]struct {
		o    []func(*serving)
		want string
	}{
		"all is well": {nil, "in sync\n"},
		"an old program runs": {[]func(*serving){func(o *serving) { o.digest = theirs }},
			"now running: sha256:fedcba987654 -> sha256:0123456789ab\n" + service},
		"the program is about to be another": {[]func(*serving){func(o *serving) { o.digest, o.program.digest = theirs, theirs }},
			"now running: sha256:fedcba987654 -> sha256:0123456789ab\n" + service},
		"the unit is newer": {[]func(*serving){func(o *serving) { o.service.mtime = at(1) }},
			"now restart: unit of 2026-11-22 05:00:01 UTC, process of 2026-11-22 05:00:00 UTC -> started after its unit\n" + service},
		"the settings are newer": {[]func(*serving){func(o *serving) { o.settings.Stat.ModTime = at(1) }},
			"now restart: settings of 2026-11-22 05:00:01 UTC, process of 2026-11-22 05:00:00 UTC -> started after its settings\n" + service},
		"the unit is another": {[]func(*serving){func(o *serving) { o.service.change = written(o.service.name) }},
			"boot unit: a -> b\n" + put("bisc-shredunwrap.service") + reload + service},
		"the socket is another": {[]func(*serving){func(o *serving) { o.sockets[0].change = written(o.sockets[0].name) }},
			"boot socket ip: a -> b\nnow socket ip: open as its unit was -> closed and opened anew (what its buffer holds then is lost)\n" + put("bisc-shredunwrap-ip.socket") + reload + both},
		"the socket's unit is newer than the socket": {[]func(*serving){func(o *serving) { o.sockets[0].mtime = at(1) }},
			"now socket ip: open as its unit was -> closed and opened anew (what its buffer holds then is lost)\n" + both},
		"a link is missing, and nothing restarts for it": {[]func(*serving){func(o *serving) {
			o.sockets[0].change.Diffs = []modules.Diff{{Attr: "enabled", Got: "disabled", Want: "WantedBy=sockets.target", Boot: true}}
			o.sockets[0].change.Do(host.Script{Argv: []string{"systemctl", "enable", "--", "bisc-shredunwrap-ip.socket"}})
		}}, "boot socket ip.enabled: disabled -> WantedBy=sockets.target\nstep: run systemctl enable -- bisc-shredunwrap-ip.socket\nsettle: 45s\n"},
		"stopped, and its socket with it": {[]func(*serving){state("inactive"), func(o *serving) { o.sockets[0].state.Active = "inactive" }},
			"now active: inactive -> active\nnow socket ip: inactive -> open\n" + begin},
		"stopped alone": {[]func(*serving){state("inactive")}, "now active: inactive -> active\n" + begin},
		"its socket stopped under it": {[]func(*serving){func(o *serving) { o.sockets[0].state.Active = "inactive" }},
			"now socket ip: inactive -> open\n" + both},
		"the socket failed": {[]func(*serving){state("failed"), func(o *serving) { o.sockets[0].state.Active = "failed" }},
			"now active: failed () -> active\nnow socket ip: failed () -> open\n" + begin},
		"it crashes and crashes": {[]func(*serving){state("activating")}, "now active: activating -> active\n" + begin},
		"it refuses its settings": {[]func(*serving){state("activating"), func(o *serving) {
			o.service = unitIs(t, "bisc-shredunwrap.service", "activating", "Result=exit-code", "ExecMainStatus=2")
		}}, "now active: activating: it ended with status 2, a bad setting: journalctl -u bisc-shredunwrap.service says which -> active\n" + begin},
		"ill": {[]func(*serving){func(o *serving) { o.health = "HTTP status 503: fail socket: gone" }},
			"now health: HTTP status 503: fail socket: gone -> ok\n    why: it runs as it should and says what it lacks: journalctl -u bisc-shredunwrap.service\n"},
		"something hangs on it": {[]func(*serving){func(o *serving) { o.digest, o.closure = theirs, append(o.closure, "docker.service") }},
			"now stops: docker.service -> nothing else\n    why: these hang on the relay and would stop with it: take their Requires= or BindsTo= away\n"},
		"the unit cannot be written": {[]func(*serving){func(o *serving) {
			o.digest = theirs
			o.service.change.Refuse("content", "link to /dev/null", "1 bytes", "it is a link")
		}}, "now unit: link to /dev/null -> 1 bytes\n    why: it is a link\n"},
		"no build suits": {[]func(*serving){func(o *serving) { o.refused = errors.New("none") }},
			"now machine: x86_64 -> x86_64, i686 or aarch64\n    why: none\n"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := kindtest.Print(daemon().decide(healthily(t, tt.o...))); got != tt.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, tt.want)
			}
		})
	}
}

// New settings are judged by the daemon before they take the old ones' place, and bring their restart with them.
func TestServiceSettings(t *testing.T) {
	for name, change := range map[string]func(*serving){
		"edited": func(o *serving) { o.settings.Content = []byte("to 192.0.2.9:1\n") },
		"mode":   func(o *serving) { o.settings.Stat.Mode = 0o600 },
		"gone":   func(o *serving) { o.settings = files.Found{Parent: host.Directory} },
	} {
		c := daemon().decide(healthily(t, change))
		put, ok := c.Steps[0].(host.Put)
		if !ok || put.Path != "/etc/bisc/relay/shredunwrap.conf" || len(put.Verify) != 6 || put.Verify[4] != "/usr/local/lib/bisc/relay/shredunwrap" || put.Verify[5] != "{path}" {
			t.Errorf("%s: the first step is %s", name, c.Steps[0])
		}
		if last := c.Steps[len(c.Steps)-1].String(); !strings.HasPrefix(last, "run systemctl restart -- bisc-shredunwrap.service  ") {
			t.Errorf("%s: the last step is %s", name, last)
		}
		if !strings.HasPrefix(c.Diffs[0].Attr, "settings") {
			t.Errorf("%s: it is said to be %s", name, c.Diffs[0].Attr)
		}
	}
	fresh := daemon().decide(healthily(t, func(o *serving) { o.settings = files.Found{} }))
	if got := fresh.Steps[0].String(); got != "run mkdir -p -m 0755 -- /etc/bisc/relay" {
		t.Errorf("the first step is %s", got)
	}
	alone := daemon()
	alone.binary = nil
	if c := alone.decide(healthily(t, func(o *serving) { o.program.digest = theirs })); len(c.Steps) > 0 || !strings.Contains(c.Diffs[0].Why, `add relay_binary "shredunwrap" {}`) {
		t.Errorf("a program that nothing puts there: %v", c)
	}
}

func TestServiceValidates(t *testing.T) {
	with := func(change func(*Service)) *Service { s := daemon(); change(s); return s }
	for name, tt := range map[string]struct {
		s    *Service
		want string
	}{
		"good":            {daemon(), ""},
		"the switch's":    {&Service{Name: "shredmirror"}, "under ProcMgr"},
		"no such daemon":  {&Service{Name: "x"}, "there is no relay daemon"},
		"a form":          {with(func(s *Service) { s.Sockets = map[string]string{"bare": "192.0.2.1:1"} }), "sockets: socket \"bare\""},
		"no address":      {with(func(s *Service) { s.Sockets = map[string]string{"ip": ":9100"} }), "sockets: ip"},
		"IPv6":            {with(func(s *Service) { s.Sockets = map[string]string{"ip": "[::1]:9100"} }), "IPv4"},
		"a meter's port":  {&Service{Name: "shredmeter", Sockets: map[string]string{"ip": "192.0.2.1:9100"}}, "takes no sockets"},
		"a line break":    {with(func(s *Service) { s.Settings["to"] = "a\nb c" }), "settings: to"},
		"a comment":       {with(func(s *Service) { s.Settings["to"] = "a #b" }), "settings: to"},
		"nothing":         {with(func(s *Service) { s.Settings["to"] = "" }), "settings: to"},
		"no setting":      {with(func(s *Service) { s.Settings["dry"] = "true" }), "settings: dry"},
		"a bad name":      {with(func(s *Service) { s.Settings["a b"] = "x" }), "settings: a b"},
		"round and round": {with(func(s *Service) { s.Sockets["ip"] = "0.0.0.0:9000"; s.Settings["to"] = "192.0.2.9:9000" }), "packets would go round"},
		"in a namespace": {with(func(s *Service) {
			s.Sockets["ip"] = "192.0.2.9:9000"
			s.Settings["to"] = "192.0.2.9:9000"
			s.Settings["netns"] = "/run/netns/kind"
		}), ""},
		"opened twice":    {with(func(s *Service) { s.Settings["listen-ip"] = "192.0.2.1:9100" }), "listen-ip: the socket ip"},
		"mixed forms":     {with(func(s *Service) { s.Sockets = map[string]string{"ip": "192.0.2.1:1", "sequenced": "0.0.0.0:1"} }), "the forms never mix"},
		"nowhere":         {with(func(s *Service) { s.Sockets = nil }), "nowhere to listen"},
		"its own port":    {with(func(s *Service) { s.Sockets = nil; s.Settings["listen-ip"] = "192.0.2.1:9100" }), ""},
		"health nowhere":  {with(func(s *Service) { s.Settings["metrics"] = "localhost:9466" }), "settings: metrics"},
		"health anywhere": {with(func(s *Service) { s.Settings["metrics"] = "0.0.0.0:9466" }), "settings: metrics"},
	} {
		wantError(t, name, tt.s.Validate(), tt.want)
	}
}

// What the daemon says of its packets is relay_flow's affair; all else counts, and what is no health is not known.
func TestServiceJudgesHealth(t *testing.T) {
	for page, want := range map[string]string{
		"": healthy, "ok destination\nok packets\n": healthy, "ok destination\nfail packets: no packet has come yet\n": healthy,
		"fail destination: the namespace is gone\nfail packets: none\n": "destination: the namespace is gone",
		"fail packets: none\nfail books: x: y\n":                        "books: x: y", "<html>\n": "",
	} {
		got, err := ServiceKind.New("shredunwrap").(*Service).judge(page)
		if got != want || (err != nil) != (want == "") {
			t.Errorf("%q: %q, %v", page, got, err)
		}
	}
}

func TestMisfit(t *testing.T) {
	for _, tt := range []struct {
		kind, value string
		fits        bool
	}{
		{"", "true", true}, {"", "yes", false}, {"DURATION", "10s", true}, {"DURATION", "10", false}, {"int", "12", true}, {"int", "x", false}, {"ADDR:PORT", "192.0.2.1:1", true}, {"ADDR:PORT", "192.0.2.1", false}, {"BYTES", "1048576", true}, {"BYTES", "1M", false}, {"PORT", "65535", true}, {"PORT", "65536", false}, {"ADDR", "192.0.2.1", true}, {"ADDR", "192.0.2", false}, {"HOST:PORT", "a:1", true}, {"CIDR[,CIDR]", "x", true}, {"value", "anything", true},
	} {
		if got := misfit(tt.kind, tt.value); (got == "") != tt.fits {
			t.Errorf("%s %q: %q", tt.kind, tt.value, got)
		}
	}
}

// What a service owns, nobody else may write.
func TestServiceOwns(t *testing.T) {
	got := fmt.Sprint(daemon().Owns())
	for _, want := range []string{"file:/etc/bisc/relay/shredunwrap.conf", "unit:bisc-shredunwrap.service", "unit:bisc-shredunwrap-ip.socket", "service:bisc-shredunwrap.service"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s among %s", want, got)
		}
	}
}
