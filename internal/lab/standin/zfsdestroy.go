package standin

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"bisc/internal/lab/spec"
)

func zfsDestroy(args []string, out io.Writer) error {
	opts, words, err := getopt(args, "rRfnpv")
	if err != nil {
		return err
	}
	if len(words) != 1 {
		return usage("missing dataset argument")
	}
	name := words[0]
	recursive := opts.has('r') || opts.has('R')
	return update(func(s *state) error {
		d, err := s.find(name)
		if err != nil {
			return err
		}
		all := s.under(name)
		if s.Pools[name] != nil && !recursive {
			return fmt.Errorf("cannot destroy '%s': operation does not apply to pools\nuse 'zfs destroy -r %s' to destroy all datasets in the pool\nuse 'zpool destroy %s' to destroy the pool itself", name, name, name)
		}
		if len(all) > 1 && !recursive {
			kind, _ := s.computed(name, d, "type")
			return fmt.Errorf("cannot destroy '%s': %s has children\nuse '-r' to destroy the following datasets:\n%s", name, kind, strings.Join(all[1:], "\n"))
		}
		slices.Reverse(all) // children first
		for _, n := range all {
			switch {
			case opts.has('v') && opts.has('p'):
				fmt.Fprintf(out, "destroy\t%s\n", n)
			case opts.has('v') && opts.has('n'):
				fmt.Fprintf(out, "would destroy %s\n", n)
			case opts.has('v'):
				fmt.Fprintf(out, "will destroy %s\n", n)
			}
			if opts.has('n') || s.Pools[n] != nil { // a pool's own dataset stays
				continue
			}
			if err := s.remove(n); err != nil {
				return err
			}
		}
		return nil
	})
}

// remove destroys one dataset. ZFS unmounts a file system first; a volume that is mounted or open is busy.
func (s *state) remove(name string) error {
	d := s.Datasets[name]
	if !d.Volume {
		if err := unmount(name, false); err != nil {
			return err
		}
		if err := os.RemoveAll(dataDir(name)); err != nil {
			return fmt.Errorf("cannot destroy '%s': %w", name, err)
		}
		delete(s.Datasets, name)
		return nil
	}
	at, err := ask(spec.DeviceRequest{Op: spec.LoopOpen, Name: name, Size: d.Size})
	if err != nil {
		return err
	}
	if busy(at.Major, at.Minor) {
		return fmt.Errorf("cannot destroy '%s': dataset is busy", name)
	}
	if err := removeNode(name); err != nil {
		return err
	}
	if _, err := ask(spec.DeviceRequest{Op: spec.LoopDrop, Name: name}); err != nil {
		return err
	}
	delete(s.Datasets, name)
	return nil
}
