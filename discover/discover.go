package discover

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"bisc/internal/host"
	"bisc/modules/facts"
	"bisc/modules/systemd"
)

// everything is all answers of the host.
type everything struct {
	os       facts.OS
	machine  string
	mounts   mountsSeen
	zfs      zfsSeen
	ramdisk  ramdiskSeen
	accounts accountsSeen
	packages string
	runtime  runtimeSeen
	daemon   string
	paths    [][]string
	kept     []string // the containers' files
	states   map[string]systemd.State
}

// Read asks a host everything and makes blocks and remarks of it. An error is that the host is gone; what it did not tell is
// among the remarks.
func Read(ctx context.Context, h host.Reader) (*Found, error) {
	r := &reader{Reader: h}
	var e everything
	if err := r.wave(ctx, e.first(r)...); err != nil {
		return nil, err
	}
	var own locals
	var containers []container
	err := host.Ask(ctx,
		func(ctx context.Context) (err error) {
			own, err = r.readLocals(ctx, slices.Concat(e.paths...))
			return err
		},
		func(ctx context.Context) (err error) {
			containers, err = r.readContainers(ctx, e.daemon, e.kept)
			return err
		})
	if err != nil {
		return nil, err
	}
	g, pools := e.ground(r)
	units, foreign := own.units()
	listeners := parseSockets(e.runtime.sockets)
	var programs []localFile
	err = host.Ask(ctx,
		func(ctx context.Context) (err error) { e.states, err = r.second(ctx, g, units, listeners); return err },
		func(ctx context.Context) (err error) { programs, err = r.programs(ctx, units); return err })
	if err != nil {
		return nil, err
	}
	for name, s := range e.states {
		g.units[name] = s.Load == "loaded"
	}
	own.files = append(own.files, programs...)

	f := &Found{Host: h.Name(), OS: e.os.Pretty, Machine: e.machine}
	f.storage(g, pools, e.ramdisk, units, own)
	folders, err := r.folders(ctx, f.Blocks, f.Shape)
	if err != nil {
		return nil, err
	}
	f.Blocks = append(f.Blocks, folders...)
	f.units(e, units, foreign, own, containers)
	f.runtime(e, own, containers, listeners)
	f.Remarks = append(f.Remarks, r.unknown...)
	slices.SortStableFunc(f.Remarks, byName)
	return f, nil
}

// ground is what the first answers say of the storage.
func (e *everything) ground(r *reader) (*ground, map[string]string) {
	table, points, err := e.mounts.parse()
	if err != nil {
		r.lost("mounts", "/proc/self/mountinfo", err)
	}
	pools, datasets, err := e.zfs.parse()
	if err != nil {
		r.lost("zfs datasets", "zfs list", err)
	}
	return &ground{table: table, points: points, datasets: datasets, units: map[string]bool{}}, pools
}

// first is what can be asked without knowing anything.
func (e *everything) first(r *reader) (asks []question) {
	asks = append(asks, question{"system", "os-release", func(ctx context.Context) error {
		known, err := facts.Read(ctx, r, "os", "machine_id")
		if err == nil {
			e.os, _ = known["os"].(facts.OS)
			e.machine, _ = known["machine_id"].(string)
		}
		return err
	}}, r.askPackages(&e.packages), r.optional(&e.daemon, "containers", "/etc/docker/daemon.json"), r.paths(&e.kept, "containers", containersIn(dockerRoot)))
	asks = append(asks, r.askMounts(&e.mounts)...)
	asks = append(asks, r.askZFS(&e.zfs)...)
	asks = append(asks, r.askRamdisk(&e.ramdisk)...)
	asks = append(asks, r.askAccounts(&e.accounts)...)
	asks = append(asks, r.askRuntime(&e.runtime)...)
	patterns := configured()
	for _, link := range []string{".wants/*", ".requires/*", ".upholds/*"} {
		patterns = append(patterns, unitFolder+"/*"+link)
	}
	e.paths = make([][]string, len(patterns))
	for i, p := range patterns {
		asks = append(asks, r.paths(&e.paths[i], "files", p))
	}
	return asks
}

// second is what the first answers make worth asking: devices, the state of units, who runs what listens.
func (r *reader) second(ctx context.Context, g *ground, units []unitFile, listeners []listener) (map[string]systemd.State, error) {
	names := []string{"docker.service", "containerd.service", "zfs-mount.service", "zfs-volume-wait.service"}
	for _, u := range units {
		if !strings.Contains(u.name, "@.") && systemd.CheckName(u.name, "service", "socket", "target", "path", "timer", "slice") == nil {
			names = append(names, u.name)
		}
	}
	found := make([]*systemd.State, len(names))
	asks := r.askGroups(listeners)
	for i, n := range names {
		asks = append(asks, question{"unit", n, func(ctx context.Context) error {
			s, err := systemd.Show(ctx, r, n)
			if err == nil {
				found[i] = &s
			}
			return err
		}})
	}
	dev := g.askDevices(r)
	if err := r.wave(ctx, append(asks, dev.asks...)...); err != nil {
		return nil, err
	}
	dev.learn(g)
	states := map[string]systemd.State{}
	for i, n := range names {
		if found[i] != nil {
			states[n] = *found[i]
		}
	}
	return states, nil
}

// String is the variant as a person reads it.
func (s Shape) String() string {
	if s.Name == "" {
		return "none of the known variants of a validator's storage"
	}
	return fmt.Sprintf("variant %s: %s", s.Name, s.What)
}
