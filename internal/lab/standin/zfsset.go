package standin

import (
	"fmt"
	"strconv"
	"strings"

	"bisc/internal/lab/spec"
)

func zfsSet(args []string) error {
	_, words, err := getopt(args, "u")
	if err != nil {
		return err
	}
	n := 0
	for n < len(words) && strings.Contains(words[n], "=") {
		n++
	}
	if n == 0 {
		return usage("missing property=value argument(s)")
	}
	if n == len(words) {
		return usage("missing dataset name(s)")
	}
	return update(func(s *state) error {
		for _, name := range words[n:] {
			d, err := s.find(name)
			if err != nil {
				return err
			}
			size := d.Size
			was, _ := s.value(name, property{name: "mountpoint", on: "f"})
			for _, setting := range words[:n] {
				if err := s.setOne(name, setting); err != nil {
					return fmt.Errorf("cannot set property for '%s': %w", name, err)
				}
			}
			if d.Volume && d.Size != size {
				if _, err := ask(spec.DeviceRequest{Op: spec.LoopSize, Name: name, Size: d.Size}); err != nil {
					return err
				}
			}
			if err := s.remount(name, was); err != nil {
				return err
			}
		}
		return nil
	})
}

// setOne sets one property from name=value.
func (s *state) setOne(name, setting string) error {
	key, value, ok := strings.Cut(setting, "=")
	d := s.Datasets[name]
	p, known := lookup(key)
	switch {
	case !ok:
		return fmt.Errorf("missing '=' for property=value argument")
	case !known:
		return fmt.Errorf("invalid property '%s'", key)
	case p.user():
		if err := checkUser(key); err != nil {
			return err
		}
		d.Props[key] = value
		return nil
	case p.readonly:
		return fmt.Errorf("'%s' is readonly", p.name)
	case !p.of(d):
		return fmt.Errorf("'%s' does not apply to datasets of this type", p.name)
	case p.name == "volsize":
		return s.setVolsize(name, d, value)
	case p.name == "mountpoint" && value != "none" && value != "legacy" && !strings.HasPrefix(value, "/"):
		return fmt.Errorf("'mountpoint' must be an absolute path, 'none', or 'legacy'")
	case p.number:
		if value == "none" {
			value = "0"
		}
		n, err := parseSize(value)
		if value == "auto" && p.name == "refreservation" && d.Volume {
			n, err = reservation(d.Size), nil
		}
		if err != nil {
			return err
		}
		value = strconv.FormatInt(n, 10)
	}
	d.Props[p.name] = value
	return nil
}

// setVolsize grows or shrinks a volume, and with it the reservation of one that is not sparse.
func (s *state) setVolsize(name string, d *dataset, value string) error {
	size, err := parseSize(value)
	if err != nil {
		return err
	}
	if size == 0 {
		return fmt.Errorf("'volsize' cannot be zero")
	}
	if size%d.Block != 0 {
		return fmt.Errorf("'volsize' must be a multiple of volume block size (%s)", nice(d.Block))
	}
	if reserved := d.Props["refreservation"]; reserved != "" && reserved != "0" {
		if size > d.Size && reservation(size)-reservation(d.Size) > s.available(parent(name)) {
			return fmt.Errorf("size is greater than available space")
		}
		d.Props["refreservation"] = strconv.FormatInt(reservation(size), 10)
	}
	d.Size = size
	return nil
}

func zfsInherit(args []string) error {
	opts, words, err := getopt(args, "rS")
	if err != nil {
		return err
	}
	if len(words) < 2 {
		return usage("missing property or dataset argument(s)")
	}
	p, known := lookup(words[0])
	if !known {
		return usage("invalid property '%s'", words[0])
	}
	if p.readonly || !p.inherits && p.def == "" {
		return usage("'%s' property cannot be inherited", p.name)
	}
	return update(func(s *state) error {
		for _, word := range words[1:] {
			if _, err := s.find(word); err != nil {
				return err
			}
			for _, name := range s.under(word) {
				if name != word && !opts.has('r') {
					continue
				}
				was, _ := s.value(name, property{name: "mountpoint", on: "f"})
				delete(s.Datasets[name].Props, p.name)
				if err := s.remount(name, was); err != nil {
					return err
				}
			}
		}
		return nil
	})
}
