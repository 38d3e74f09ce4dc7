package relay

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/agext/levenshtein"

	"bisc/modules"
	"bisc/relaybin"
	"bisc/relaybin/builds"
	"bisc/relaybin/units"
)

// checkSettings judges the settings by what the daemon's own --help lists. What only the daemon can tell, it tells on the
// host, before the file takes the old one's place.
func (s *Service) checkSettings() error {
	known, err := settingsOf(s.Name)
	if err != nil {
		return err
	}
	var faults []error
	bad := func(name, format string, args ...any) {
		faults = append(faults, &modules.AttrError{Attr: "settings", Reason: name + ": " + fmt.Sprintf(format, args...)})
	}
	for _, name := range slices.Sorted(maps.Keys(s.Settings)) {
		value := s.Settings[name]
		i := slices.IndexFunc(known, func(k builds.Setting) bool { return k.Name == name })
		switch {
		case !settingName.MatchString(name) || slices.Contains([]string{"config", "dry", "once", "once-limit", "version"}, name):
			bad(name, "this is no setting of a daemon that runs")
		case strings.ContainsAny(value, "\n\r\x00") || strings.Contains(value, " #") || strings.TrimSpace(value) != value || value == "":
			bad(name, "%q cannot stand in a line \"name value\": no line break, no \" #\", no blanks around it, not empty (leave the setting out for its default)", value)
		case known != nil && i < 0:
			bad(name, "%s has no such setting%s", s.Name, nearest(name, known))
		case known != nil:
			if why := misfit(known[i].Value, value); why != "" {
				bad(name, "%q is %s: %s", value, why, known[i].About)
			}
		}
	}
	if at := s.pages(); s.Settings["metrics"] != "" {
		if a, err := netip.ParseAddrPort(at); err != nil || a.Port() == 0 || a.Addr().IsUnspecified() {
			bad("metrics", "%q: write an address of the host in digits and a port, as in 127.0.0.1:9466: bisc asks there for the health", at)
		}
	}
	return errors.Join(faults...)
}

// checkPorts finds what the daemon refuses at its start alone: its own look at the settings does not see systemd's sockets.
func (s *Service) checkPorts(d units.Daemon) error {
	if s.Name != "shredunwrap" {
		return nil
	}
	to, _ := netip.ParseAddrPort(s.Settings["to"])
	opened := s.Settings["listen-ip"] != "" || s.Settings["listen-sequenced"] != ""
	for i, a := range d.Sockets {
		switch {
		case s.Settings["listen-"+a.Name] != "":
			return &modules.AttrError{Attr: "settings", Reason: "listen-" + a.Name + ": the socket " + a.Name + " is there for it: keep one of the two"}
		case s.Settings["netns"] == "" && meets(a.Listen, to):
			return &modules.AttrError{Attr: "settings", Reason: "to: " + to.String() + " is where the socket " + a.Name + " listens: packets would go round for ever; write the validator's TVU"}
		case i > 0 && (meets(a.Listen, d.Sockets[0].Listen) || meets(d.Sockets[0].Listen, a.Listen)):
			return &modules.AttrError{Attr: "sockets", Reason: a.Name + ": " + a.Listen.String() + " is the port of " + d.Sockets[0].Name + ", too: the forms never mix on one"}
		}
	}
	if len(s.Sockets) == 0 && !opened {
		return &modules.AttrError{Attr: "sockets", Reason: "nowhere to listen: write sockets = { sequenced = \"ADDRESS:PORT\" }, where the mirror sends to"}
	}
	return nil
}

// meets tells whether what goes to an address comes in at a port that listens.
func meets(listen, to netip.AddrPort) bool {
	return listen.Port() == to.Port() && (listen.Addr() == to.Addr() || listen.Addr().IsUnspecified())
}

// settingsOf is what the daemon's builds know of its settings; nil where there are no builds that tell.
func settingsOf(name string) ([]builds.Setting, error) {
	all, err := relaybin.Binaries()
	if errors.Is(err, relaybin.ErrNotBuilt) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	for _, b := range all {
		if b.Name == name && len(b.Settings) > 0 {
			return b.Settings, nil
		}
	}
	return nil, nil
}

// misfit says why a value cannot be one of a kind, by the word that the daemon's help has for it.
func misfit(kind, value string) string {
	var err error
	switch kind {
	case "":
		_, err = strconv.ParseBool(value)
	case "DURATION", "duration":
		_, err = time.ParseDuration(value)
	case "int", "uint", "BYTES", "SLOTS", "NUMBER":
		_, err = strconv.ParseInt(value, 0, 64)
	case "PORT":
		_, err = strconv.ParseUint(value, 10, 16)
	case "ADDR":
		_, err = netip.ParseAddr(value)
	case "ADDRESS:PORT", "ADDR:PORT":
		_, err = netip.ParseAddrPort(value)
	}
	if err == nil {
		return ""
	}
	if kind == "" {
		return "neither true nor false"
	}
	return "no " + kind
}

func nearest(name string, known []builds.Setting) string {
	best, least := "", 4
	for _, k := range known {
		if d := levenshtein.Distance(name, k.Name, nil); d < least {
			best, least = k.Name, d
		}
	}
	if best == "" {
		return ""
	}
	return "; did you mean " + best + "?"
}
