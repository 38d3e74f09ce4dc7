package schedule

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// System is a systemd and its folder of units: the machine's, or a user's own.
type System struct {
	Dir     string // /etc/systemd/system
	PerUser bool
}

// Of gives the machine's systemd, or the user's own.
func Of(perUser bool) (System, error) {
	if !perUser {
		return System{Dir: "/etc/systemd/system"}, nil
	}
	config, err := os.UserConfigDir()
	if err != nil {
		return System{}, fmt.Errorf("finding your own units' folder (set HOME): %w", err)
	}
	return System{Dir: filepath.Join(config, "systemd", "user"), PerUser: true}, nil
}

// Install writes the units and enables the timer; now starts it too. It refuses to write over what bisc did not write, or
// somebody has edited, unless forced. changed lists the files that are other than before.
func (y System) Install(ctx context.Context, s Spec, now, force bool) (changed []string, err error) {
	service, timer, err := s.Units()
	if err != nil {
		return nil, err
	}
	texts := map[string]string{Service(s.Name): service, Timer(s.Name): timer}
	names := []string{Service(s.Name), Timer(s.Name)}
	if err := verify(ctx, y.PerUser, texts, names); err != nil {
		return nil, err
	}
	for _, name := range names {
		there, err := y.look(name, force)
		if err != nil {
			return nil, err
		}
		if there != texts[name] {
			changed = append(changed, filepath.Join(y.Dir, name))
		}
	}
	for _, file := range changed { // only now: one that is refused must not leave the other changed
		if err := write(file, texts[filepath.Base(file)]); err != nil {
			return nil, err
		}
	}
	if err := y.systemctl(ctx, "daemon-reload"); err != nil {
		return changed, err
	}
	if err := y.systemctl(ctx, "enable", Timer(s.Name)); err != nil {
		return changed, err
	}
	verb := "try-restart" // a timer that runs must take the new times
	if now {
		verb = "restart"
	}
	return changed, y.systemctl(ctx, verb, Timer(s.Name))
}

// look reads a unit's file, empty where there is none. The error says why it must be left alone.
func (y System) look(name string, force bool) (string, error) {
	file := filepath.Join(y.Dir, name)
	b, err := os.ReadFile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", nil
	case err != nil:
		return "", fmt.Errorf("reading the unit: %w", err)
	}
	if o := ownerOf(string(b)); o != ours && !force {
		return "", notOurs(file, o)
	}
	return string(b), nil
}

// ErrNone: there is no such schedule.
var ErrNone = errors.New("no such schedule")

// Remove stops and disables the timer and takes away the two files that bisc wrote. A round that is at work ends by
// itself. What is not bisc's, or was edited, stays, and so does all the rest, unless forced.
func (y System) Remove(ctx context.Context, name string, force bool) (removed []string, err error) {
	for _, unit := range []string{Timer(name), Service(name)} {
		text, err := y.look(unit, force)
		if err != nil {
			return nil, err
		}
		if text != "" {
			removed = append(removed, filepath.Join(y.Dir, unit))
		}
	}
	if len(removed) == 0 {
		return nil, fmt.Errorf("%w: neither %s nor its timer is in %s", ErrNone, Service(name), y.Dir)
	}
	if slices.Contains(removed, filepath.Join(y.Dir, Timer(name))) {
		if err := y.systemctl(ctx, "disable", "--now", Timer(name)); err != nil {
			return nil, err
		}
	}
	for _, file := range removed {
		if err := os.Remove(file); err != nil {
			return nil, fmt.Errorf("removing the unit: %w", err)
		}
	}
	return removed, y.systemctl(ctx, "daemon-reload")
}

// Names lists the schedules whose service bisc wrote.
func (y System) Names() ([]string, error) {
	files, err := filepath.Glob(filepath.Join(y.Dir, prefix+"*.service"))
	if err != nil {
		return nil, err
	}
	var out []string
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err == nil && ownerOf(string(b)) != foreign {
			out = append(out, strings.TrimSuffix(strings.TrimPrefix(filepath.Base(f), prefix), ".service"))
		}
	}
	return out, nil
}

// systemctl runs one verb. What it says goes into the error.
func (y System) systemctl(ctx context.Context, args ...string) error {
	if y.PerUser {
		args = append([]string{"--user"}, args...)
	}
	out, err := exec.CommandContext(ctx, "systemctl", args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("systemctl %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}

// write replaces a unit's file at one stroke, and for good.
func write(file, text string) error {
	dir := filepath.Dir(file)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("writing the unit: %w", err)
	}
	temp, err := os.CreateTemp(dir, ".bisc-*")
	if err != nil {
		return fmt.Errorf("writing the unit (it takes root, or --user): %w", err)
	}
	defer os.Remove(temp.Name())
	_, err = temp.WriteString(text)
	if err = errors.Join(err, temp.Chmod(0o644), temp.Sync(), temp.Close()); err == nil {
		err = os.Rename(temp.Name(), file)
	}
	if err != nil {
		return fmt.Errorf("writing the unit: %w", err)
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
