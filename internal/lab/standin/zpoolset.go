package standin

import (
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// defaultPool is a pool's size in bytes when its device tells none.
const defaultPool = 8 << 40

func zpoolCreate(args []string) error {
	opts, words, err := getopt(args, "fndo:O:m:R:t:")
	if err != nil {
		return err
	}
	if len(words) == 0 {
		return usage("missing pool name argument")
	}
	name := words[0]
	var size int64
	for _, device := range words[1:] {
		size += deviceSize(device)
	}
	if size == 0 {
		size = defaultPool
	}
	return update(func(s *state) error {
		if s.Pools[name] != nil {
			return fmt.Errorf("cannot create '%s': pool already exists", name)
		}
		s.addPool(name, size)
		for _, o := range opts['o'] {
			key, value, _ := strings.Cut(o, "=")
			s.Pools[name].Props[key] = value
		}
		settings := opts['O']
		if opts.has('m') {
			settings = append(settings, "mountpoint="+opts.last('m', ""))
		}
		for _, o := range settings {
			if err := s.setOne(name, o); err != nil {
				return fmt.Errorf("cannot create '%s': %w", name, err)
			}
		}
		return s.mountNew(name)
	})
}

// deviceSize is the size of a block device or file, 0 for a word that is neither.
func deviceSize(name string) int64 {
	if !strings.HasPrefix(name, "/") {
		name = "/dev/" + name
	}
	f, err := os.Open(name)
	if err != nil {
		return 0
	}
	defer f.Close()
	end, err := f.Seek(0, unix.SEEK_END)
	if err != nil {
		return 0
	}
	return end
}

func zpoolDestroy(args []string) error {
	_, words, err := getopt(args, "f")
	if err != nil {
		return err
	}
	if len(words) != 1 {
		return usage("missing pool argument")
	}
	name := words[0]
	return update(func(s *state) error {
		if s.Pools[name] == nil {
			return fmt.Errorf("cannot open '%s': no such pool", name)
		}
		all := s.under(name)
		for i := len(all) - 1; i >= 0; i-- {
			if err := s.remove(all[i]); err != nil {
				return fmt.Errorf("cannot destroy '%s': %w", name, err)
			}
		}
		delete(s.Pools, name)
		return nil
	})
}

// zpoolSet also takes health=STATE, which the real one does not: a test can have a pool that ails.
func zpoolSet(args []string) error {
	if len(args) != 2 {
		return usage("missing property=value argument")
	}
	key, value, _ := strings.Cut(args[0], "=")
	return update(func(s *state) error {
		p := s.Pools[args[1]]
		_, known := poolDefaults[key]
		switch {
		case p == nil:
			return fmt.Errorf("cannot open '%s': no such pool", args[1])
		case key == "health":
			p.Health = value
		case known:
			if p.Props == nil {
				p.Props = map[string]string{}
			}
			p.Props[key] = value
		default:
			return fmt.Errorf("cannot set property for '%s': invalid property '%s'", args[1], key)
		}
		return nil
	})
}

// zpoolImport makes the nodes of all volumes: pools themselves are always there.
func zpoolImport(args []string, out io.Writer) error {
	opts, words, err := getopt(args, "aNfFc:d:o:R:DlmX")
	if err != nil {
		return err
	}
	s, err := load()
	if err != nil {
		return err
	}
	switch {
	case opts.has('a'):
		return makeNodes(s)
	case len(words) == 0:
		fmt.Fprintln(out, "no pools available to import")
		return nil
	case s.Pools[words[0]] != nil:
		return fmt.Errorf("cannot import '%s': a pool with that name already exists", words[0])
	}
	return fmt.Errorf("cannot import '%s': no such pool available", words[0])
}
