package standin

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// dataDir is where a file system dataset's files are.
func dataDir(name string) string {
	return filepath.Join(stateDir, "data", strings.ReplaceAll(name, "/", "+"))
}

// mountOf returns where a dataset is mounted, or "". A bind mount is known by the folder that it shows.
func mountOf(name string) string {
	for _, m := range mounts("/proc/self/mountinfo") {
		if m.root == dataDir(name) {
			return m.point
		}
	}
	return ""
}

func mounted(name string) bool { return mountOf(name) != "" }

// mountNew mounts a dataset if its properties say so, as zfs create does.
func (s *state) mountNew(name string) error {
	d := s.Datasets[name]
	point, _ := s.mountpoint(name)
	canmount := d.Props["canmount"]
	if d.Volume || point == "none" || point == "legacy" || canmount == "off" || canmount == "noauto" || mounted(name) {
		return nil
	}
	return mount(name, point)
}

func mount(name, point string) error {
	for _, dir := range []string{dataDir(name), point} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("cannot mount '%s': %w", name, err)
		}
	}
	if err := unix.Mount(dataDir(name), point, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("cannot mount '%s': %w", name, err)
	}
	// Out of the root's peer group and into one of its own: else what is mounted below shows under dataDir too.
	for _, propagation := range []uintptr{unix.MS_PRIVATE, unix.MS_SHARED} {
		if err := unix.Mount("", point, "", propagation, ""); err != nil {
			return fmt.Errorf("cannot mount '%s': %w", name, err)
		}
	}
	return nil
}

func unmount(name string, force bool) error {
	flags := 0
	if force {
		flags = unix.MNT_DETACH
	}
	for point := mountOf(name); point != ""; point = mountOf(name) {
		if err := unix.Unmount(point, flags); errors.Is(err, unix.EBUSY) {
			return fmt.Errorf("cannot unmount '%s': pool or dataset is busy", point)
		} else if err != nil {
			return fmt.Errorf("cannot unmount '%s': %w", point, err)
		}
	}
	return nil
}

// remount moves a dataset whose mountpoint was changed.
func (s *state) remount(name, was string) error {
	d := s.Datasets[name]
	if d.Volume {
		return nil
	}
	if now, _ := s.mountpoint(name); now == was && (d.Props["canmount"] != "off" || !mounted(name)) {
		return nil
	}
	if err := unmount(name, false); err != nil {
		return err
	}
	return s.mountNew(name)
}

func zfsMount(args []string, out io.Writer) error {
	opts, words, err := getopt(args, "aflO:o:v")
	if err != nil {
		return err
	}
	s, err := load()
	if err != nil {
		return err
	}
	if opts.has('a') {
		var errs []error
		for _, name := range s.names() {
			errs = append(errs, s.mountNew(name))
		}
		return errors.Join(errs...)
	}
	if len(words) == 0 {
		for _, name := range s.names() {
			if point := mountOf(name); point != "" {
				fmt.Fprintf(out, "%-30s  %s\n", name, point)
			}
		}
		return nil
	}
	name := words[0]
	d, err := s.find(name)
	if err != nil {
		return err
	}
	point, _ := s.mountpoint(name)
	switch {
	case d.Volume:
		return fmt.Errorf("cannot open '%s': operation not applicable to datasets of this type", name)
	case mounted(name):
		return fmt.Errorf("cannot mount '%s': filesystem already mounted", name)
	case point == "legacy":
		return fmt.Errorf("cannot mount '%s': legacy mountpoint\nuse mount(8) to mount this filesystem", name)
	case point == "none":
		return fmt.Errorf("cannot mount '%s': no mountpoint set", name)
	}
	return mount(name, point)
}

func zfsUnmount(args []string) error {
	opts, words, err := getopt(args, "afu")
	if err != nil {
		return err
	}
	s, err := load()
	if err != nil {
		return err
	}
	names := s.names()
	if !opts.has('a') {
		if len(words) != 1 {
			return usage("missing filesystem argument")
		}
		name := words[0]
		for _, n := range names {
			if strings.HasPrefix(name, "/") && mountOf(n) == name {
				name = n
			}
		}
		if _, err := s.find(name); err != nil {
			return err
		}
		if !mounted(name) {
			point, _ := s.mountpoint(name)
			return fmt.Errorf("cannot unmount '%s': not currently mounted", point)
		}
		names = []string{name}
	}
	var errs []error
	for i := len(names) - 1; i >= 0; i-- {
		errs = append(errs, unmount(names[i], opts.has('f')))
	}
	return errors.Join(errs...)
}
