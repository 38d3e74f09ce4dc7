package relay

import (
	"context"
	"path"

	"bisc/internal/host"
	"bisc/modules"
	"bisc/modules/files"
	"bisc/modules/systemd"
	"bisc/relaybin/units"
)

// former is a socket of the daemon's that the plan has no more. Left alone it keeps the port, from which the daemon then reads
// nothing, and which it cannot open itself.
type former struct {
	form, name string
	file       files.Found
	state      systemd.State
	links      []string
}

func (f former) path() string { return "/etc/systemd/system/" + f.name }

// formers are the names of the sockets that the plan does not have, by form.
func (s *Service) formers() []former {
	var out []former
	for _, form := range units.Forms(s.Name) {
		if _, wanted := s.Sockets[form]; !wanted {
			out = append(out, former{form: form, name: units.Daemon{Name: s.Name}.Socket(units.Socket{Name: form})})
		}
	}
	return out
}

func (f *former) look(ctx context.Context, h host.Reader) error {
	return host.Ask(ctx,
		func(ctx context.Context) (err error) { f.file, err = files.Look(ctx, h, f.path()); return err },
		func(ctx context.Context) (err error) { f.state, err = systemd.Show(ctx, h, f.name); return err },
		func(ctx context.Context) (err error) { f.links, err = systemd.WantedBy(ctx, h, f.name); return err },
	)
}

// close takes the socket away, after the service has a unit that no longer requires it, and before its restart.
func (f former) close(c *modules.Change, service string) {
	attr := "socket " + f.form
	if f.state.Running() {
		c.Differ(attr, "open", "closed (what its buffer holds then is lost)")
		c.Do(host.Script{Argv: []string{"systemctl", "stop", "--", f.name}, Guards: []host.Guard{host.SparesValidator(f.name, service), host.StopsOnly(f.name, service)}})
	}
	if len(f.links) > 0 {
		c.DifferBoot(attr+".enabled", "by "+path.Base(f.links[0]), "(none)")
		c.Do(host.Script{Argv: []string{"systemctl", "disable", "--", f.name}})
	}
	rm := files.Removal(f.path(), f.file)
	for _, d := range rm.Diffs {
		d.Attr, d.Boot = attr, true
		c.Diffs = append(c.Diffs, d)
	}
	if c.Do(rm.Steps...); len(rm.Steps) > 0 {
		c.Do(host.Script{Argv: []string{"systemctl", "daemon-reload"}})
	}
}
