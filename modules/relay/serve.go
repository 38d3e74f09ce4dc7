package relay

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"bisc/internal/host"
	"bisc/modules"
	"bisc/modules/files"
	"bisc/relaybin/units"
)

// decide is the whole of what a daemon under systemd needs: settings, units, and one act that makes the process theirs.
func (s *Service) decide(o serving) modules.Change {
	var c modules.Change
	if o.refused != nil {
		c.Refuse("machine", o.program.machine, "x86_64, i686 or aarch64", o.refused.Error())
		return c
	}
	if s.binary == nil && o.program.digest != o.want.SHA256 {
		c.Refuse("program", o.program.describe(), host.ShortDigest(o.want.SHA256), "nothing in this plan puts it there: add relay_binary \""+s.Name+"\" {}")
		return c
	}
	s.settings(&c, o)
	for _, u := range o.sockets {
		u.join(&c, socketAttr(u.name, s.Name))
	}
	o.service.join(&c, "unit")
	if slices.ContainsFunc(c.Diffs, func(d modules.Diff) bool { return d.Why != "" }) {
		return c // what stands in a file's place is for a person first
	}
	before := len(c.Steps)
	for _, f := range o.former {
		f.close(&c, o.service.name)
	}
	s.act(&c, o, len(c.Steps) > before)
	return c
}

// settings compares the file. The daemon itself judges a new one before it takes the old one's place.
func (s *Service) settings(c *modules.Change, o serving) {
	found := o.settings
	missing := found.Parent == ""
	if missing {
		found.Parent = host.Directory // it is made first
	}
	change := files.Wanted{
		Path: s.config(), Content: s.text(), Mode: 0o644,
		Verify: []string{"sh", "-c", judge, "the daemon's own check", units.Binaries + "/" + s.Name, "{path}"},
	}.Change(found)
	for _, d := range change.Diffs {
		d.Attr = "settings" + strings.TrimPrefix("."+d.Attr, ".content")
		c.Diffs = append(c.Diffs, d)
	}
	if len(change.Steps) > 0 && missing {
		c.Do(host.Script{Argv: []string{"mkdir", "-p", "-m", "0755", "--", path.Dir(s.config())}})
	}
	c.Do(change.Steps...)
}

// judge has the daemon explain what it would do with a file of settings. Exit status 2 is a bad setting; that a device or a
// route is not there yet (1) is no fault of the file's. The file's name is a temporary one, and no news.
const judge = `out=$("$1" --dry --config "$2" 2>&1); s=$?; [ $s -eq 0 ] || [ $s -eq 1 ] && exit 0; printf '%s\n' "$out" | tail -n 1 | sed "s|$2:|line |g" >&2; exit $s`

// join adds what a unit's file, links and loading need.
func (u unitSeen) join(c *modules.Change, attr string) {
	for _, d := range u.change.Diffs {
		d.Attr = attr + strings.TrimPrefix("."+d.Attr, ".content")
		c.Diffs = append(c.Diffs, d)
	}
	c.Do(u.change.Steps...)
}

// socketAttr is "socket ip" of bisc-shredunwrap-ip.socket.
func socketAttr(unit, daemon string) string {
	return "socket " + strings.TrimSuffix(strings.TrimPrefix(unit, "bisc-"+daemon+"-"), ".socket")
}

// act adds the one act: nothing, a start, a restart of the service, or of its sockets with it. A process that a former socket
// was given to is of no use.
func (s *Service) act(c *modules.Change, o serving, closing bool) {
	names := []string{o.service.name}
	for _, u := range o.sockets {
		names = append(names, u.name)
	}
	if others := slices.DeleteFunc(slices.Clone(o.closure), func(u string) bool { return slices.Contains(names, u) }); len(others) > 0 {
		c.Refuse("stops", strings.Join(others, ", "), "nothing else", "these hang on the relay and would stop with it: take their Requires= or BindsTo= away")
		return
	}
	state := o.service.state.Active
	debts, closed, reopen := s.debts(o), s.closed(o), s.reopens(o)
	if !o.service.state.Running() {
		c.Differ("active", o.service.ending(), "active")
	}
	c.Diffs = append(append(c.Diffs, closed...), append(reopen, debts...)...)
	switch {
	case len(reopen) > 0, len(closed) > 0 && state != "inactive" && state != "failed": // a socket cannot be opened beside its service
		s.restart(c, names)
	case !o.service.state.Running():
		c.Do(host.Job{Verb: "start", Unit: o.service.name, Limit: s.Limit})
	case closing, len(debts) > 0, puts(c.Steps, s.config()), puts(c.Steps, "/etc/systemd/system/"+o.service.name):
		s.restart(c, names[:1])
	case o.health != "" && o.health != healthy:
		c.Refuse("health", o.health, healthy, "it runs as it should and says what it lacks: journalctl -u "+o.service.name)
	}
	if len(c.Steps) > 0 {
		c.Settle = s.Settle
	}
}

// debts are why the process is not of its program, settings and unit. Times are told in whole seconds: what is written in the
// second of the start counts as read, and bisc's own writes bring their restart with them.
func (s *Service) debts(o serving) []modules.Diff {
	if !o.service.state.Running() {
		return nil
	}
	var c modules.Change
	started := o.service.state.Started
	if o.digest != "" {
		c.Differ("running", host.ShortDigest(o.digest), host.ShortDigest(o.want.SHA256))
	}
	if t := o.settings.Stat.ModTime; o.settings.Exists && t.After(started) {
		c.Differ("restart", "settings of "+stamp(t)+", process of "+stamp(started), "started after its settings")
	} else if t := o.service.mtime; t.After(started) {
		c.Differ("restart", "unit of "+stamp(t)+", process of "+stamp(started), "started after its unit")
	}
	return c.Diffs
}

// closed are the sockets that are not open.
func (s *Service) closed(o serving) []modules.Diff {
	var c modules.Change
	for _, u := range o.sockets {
		if !u.state.Running() {
			c.Differ(socketAttr(u.name, s.Name), activity(u.state.Active, u.state.Prop("Result")), "open")
		}
	}
	return c.Diffs
}

// reopens are the sockets that are open as their units were, and not as they are or will be.
func (s *Service) reopens(o serving) []modules.Diff {
	var c modules.Change
	for _, u := range o.sockets {
		if u.state.Running() && (puts(u.change.Steps, "/etc/systemd/system/"+u.name) || u.mtime.After(u.state.Entered)) {
			c.Differ(socketAttr(u.name, s.Name), "open as its unit was", "closed and opened anew (what its buffer holds then is lost)")
		}
	}
	return c.Diffs
}

// puts tells whether a file is among those written.
func puts(steps []host.Step, name string) bool {
	return slices.ContainsFunc(steps, func(s host.Step) bool { p, ok := s.(host.Put); return ok && p.Path == name })
}

// restart restarts units in one transaction: systemd stops the service before its sockets and starts it after them.
func (s *Service) restart(c *modules.Change, names []string) {
	guards := []host.Guard{host.SparesValidator(names...)}
	for _, n := range names {
		guards = append(guards, host.StopsOnly(n, names...))
	}
	c.Do(host.Script{Argv: append([]string{"systemctl", "restart", "--"}, names...), Guards: guards, Limit: s.Limit})
}

// ending is how a unit that does not run stands, and how its process ended: what a daemon says of a bad setting, only the journal has.
func (u unitSeen) ending() string {
	result, status := u.state.Prop("Result"), u.state.Prop("ExecMainStatus")
	switch {
	case result != "exit-code":
		return activity(u.state.Active, result)
	case status == "2": // relaybin/daemon
		return u.state.Active + ": it ended with status 2, a bad setting: journalctl -u " + u.name + " says which"
	}
	return u.state.Active + ": it ended with status " + status + ": journalctl -u " + u.name + " says why"
}

func activity(active, result string) string {
	if active == "failed" {
		return fmt.Sprintf("failed (%s)", result)
	}
	return active
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }
