package relay

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	"bisc/internal/host"
	"bisc/modules"
	"bisc/relaybin/units"
)

// ServiceKind is a relay daemon that runs under systemd.
var ServiceKind = modules.Kind{
	Name:     "relay_service",
	Label:    "the daemon's name: shredunwrap or shredmeter",
	Platform: host.Linux,
	Layer:    "relay",
	Doc: "A relay daemon under systemd: its settings in /etc/bisc/relay, its unit and the units of its sockets, enabled and running, and what runs is the program that " +
		"`relay_binary` put there, by the digest of the process itself. A process that is older than its program, settings or unit is restarted; the sockets are systemd's and stay, " +
		"so that what reaches the host meanwhile waits in their buffers (net.core.rmem_max says how much) and no packet is lost. Only a changed socket must be closed and opened anew, and one that the plan has no more is closed and taken away; the plan says so. " +
		"The daemon judges the settings itself before they take the old ones' place; names and plain forms are judged when the plan is read. The user is one that exists only while the daemon runs (DynamicUser).",
	Checks: []string{
		"now: the service and its sockets are active; the service has said that it is ready; its /healthz says ok of everything but `ignore`",
		"now: the SHA-256 of the running process (/proc/PID/exe) equals that of the build for this host's machine",
		"now: settings, unit and sockets are not newer than the process, or the open sockets",
		"now and after boot: the content, mode and owner of the settings",
		"after boot: the units' files, as systemd has loaded them, and what wants them",
	},
	Losses: []modules.Loss{
		{What: "what the daemon would have passed on while it restarts, where it reads no socket of systemd's (shredmeter: nothing but its own count)", When: "the process is not of this program, settings or unit", Guards: []string{
			"stops nothing else: only the units that were shown", "no validator in what stops",
		}},
		{What: "the packets in the buffers of its sockets", When: "a socket's address or buffer is another, or the plan has it no more", Guards: []string{
			"stops nothing else: only the units that were shown", "no validator in what stops",
		}},
	},
	Example: `relay_service "shredunwrap" {
  sockets = { sequenced = "198.51.100.7:9101" }
  settings = {
    allow = "192.0.2.0/30"
    to    = "127.0.0.1:9000"
  }
}
`,
	New: func(label string) modules.Resource {
		return &Service{Name: label, Ignore: []string{"packets"}, Settle: 45 * time.Second, Limit: host.DefaultLimit}
	},
}

// Service is the resource of ServiceKind.
type Service struct {
	Name     string
	Settings map[string]string `hcl:"settings,optional" doc:"the daemon's settings by name, as its --help lists them"`
	Sockets  map[string]string `hcl:"sockets,optional" doc:"shredunwrap: the ports that systemd keeps open for it, by form: ip, sequenced; ADDRESS:PORT, IPv4"`
	Ignore   []string          `hcl:"ignore,optional" doc:"checks of /healthz, by name, that do not count. Whether packets come is relay_flow's question" default:"[\"packets\"]"`
	Limit    time.Duration     `hcl:"limit,optional" doc:"how long a start or restart may take" default:"\"2m\""`
	Settle   time.Duration     `hcl:"settle,optional" doc:"how long it may take after that until it is healthy" default:"\"45s\""`

	binary *Binary // the plan's block for the program; nil where it has none
}

// Owns its units and its settings.
func (s *Service) Owns() []string {
	owns := []string{"file:" + s.config()}
	d, err := s.daemon()
	if err != nil {
		return owns
	}
	files, _ := d.Files() // Validate tells
	for _, f := range files {
		owns = append(owns, "unit:"+f.Name, "file:/etc/systemd/system/"+f.Name)
	}
	for _, f := range s.formers() { // what it takes away is its own too
		owns = append(owns, "unit:"+f.name, "file:"+f.path())
	}
	return append(owns, "service:"+d.Service())
}

// Meet finds the block that puts the program there.
func (s *Service) Meet(all []modules.Resource) {
	for _, r := range all {
		if b, ok := r.(*Binary); ok && b.Name == s.Name && !b.Absent {
			s.binary = b
		}
	}
}

func (s *Service) config() string { return units.Settings + "/" + s.Name + ".conf" }

// daemon is what the units are made of.
func (s *Service) daemon() (units.Daemon, error) {
	d := units.Daemon{Name: s.Name, Netns: s.Settings["netns"]}
	for _, form := range slices.Sorted(maps.Keys(s.Sockets)) {
		at, err := netip.ParseAddrPort(s.Sockets[form])
		if err != nil {
			return d, &modules.AttrError{Attr: "sockets", Reason: fmt.Sprintf("%s = %q: write ADDRESS:PORT with an IPv4 address in digits", form, s.Sockets[form])}
		}
		d.Sockets = append(d.Sockets, units.Socket{Name: form, Listen: at})
	}
	return d, nil
}

// Validate finds what no unit can be made of, and settings that the daemon has not.
func (s *Service) Validate() error {
	var faults []error
	if err := checkName(s.Name); err != nil {
		return err
	}
	if s.Name == "shredmirror" {
		faults = append(faults, &modules.AttrError{Reason: "shredmirror runs on the switch, under ProcMgr: this kind is for hosts with systemd"})
	}
	d, err := s.daemon()
	if err == nil {
		_, err = d.Files()
	}
	var attr *modules.AttrError
	if err != nil && !errors.As(err, &attr) {
		err = &modules.AttrError{Attr: "sockets", Reason: err.Error()}
	}
	return errors.Join(append(faults, err, s.checkSettings(), s.checkPorts(d))...)
}

// text is the settings' file: "name value" a line, in the order of the names.
func (s *Service) text() []byte {
	var b strings.Builder
	b.WriteString("# Written by bisc: a change by hand is drift.\n")
	for _, name := range slices.Sorted(maps.Keys(s.Settings)) {
		fmt.Fprintf(&b, "%s %s\n", name, s.Settings[name])
	}
	return []byte(b.String())
}

// pages is where the daemon's metrics and health are; empty where they are switched off.
func (s *Service) pages() string {
	if at, given := s.Settings["metrics"]; given {
		return at
	}
	return metricsOf(s.Name)
}

// Plan looks at files, units, the process and what it says of itself, then decides.
func (s *Service) Plan(ctx context.Context, h host.Reader) (modules.Change, error) {
	o, err := s.look(ctx, h)
	if err != nil {
		return modules.Change{}, err
	}
	return s.decide(o), nil
}

var settingName = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)
