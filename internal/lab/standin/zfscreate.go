package standin

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// blockSize is a volume's default volblocksize in bytes, as of OpenZFS 2.2.
const blockSize = 16 << 10

func zfsCreate(args []string) error {
	opts, words, err := getopt(args, "V:b:so:pnuvP")
	if err != nil {
		return err
	}
	if len(words) != 1 {
		return usage("missing or too many %s arguments", map[bool]string{true: "volume", false: "filesystem"}[opts.has('V')])
	}
	name := words[0]
	d := &dataset{Volume: opts.has('V'), Props: map[string]string{}, Created: time.Now().Unix()}
	if opts.has('n') {
		return nil
	}
	return update(func(s *state) error {
		if err := s.checkNew(name, opts.has('p')); err != nil {
			return fmt.Errorf("cannot create '%s': %w", name, err)
		}
		if s.Datasets[name] != nil {
			return nil // -p, and it is there
		}
		s.Datasets[name] = d
		err := s.fill(name, d, opts)
		if err == nil && d.Volume {
			err = makeNode(name, d)
		} else if err == nil && !opts.has('u') {
			err = s.mountNew(name)
		}
		return err
	})
}

// checkNew makes sure that name can be made, and with -p makes what is above it.
func (s *state) checkNew(name string, parents bool) error {
	if strings.HasPrefix(name, "/") || strings.HasSuffix(name, "/") || strings.Contains(name, "//") {
		return errors.New("leading or trailing slash, or empty component in name")
	}
	if strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/-_.: ") != "" || strings.ContainsAny(name, "@#%") {
		return errors.New("invalid character in name")
	}
	up := parent(name)
	switch {
	case s.Datasets[name] != nil && parents:
		return nil
	case s.Datasets[name] != nil:
		return errors.New("dataset already exists")
	case up == "":
		return errors.New("missing dataset name")
	case s.Pools[poolOf(name)] == nil:
		return fmt.Errorf("no such pool '%s'", poolOf(name))
	case s.Datasets[up] != nil && s.Datasets[up].Volume:
		return errors.New("parent is not a filesystem")
	case s.Datasets[up] != nil:
		return nil
	case !parents:
		return errors.New("parent does not exist")
	}
	if err := s.checkNew(up, true); err != nil {
		return err
	}
	s.Datasets[up] = &dataset{Props: map[string]string{}, Created: time.Now().Unix()}
	return s.mountNew(up)
}

// fill gives a new dataset its properties.
func (s *state) fill(name string, d *dataset, opts options) error {
	complain := func(err error) error { return fmt.Errorf("cannot create '%s': %w", name, err) }
	if d.Volume {
		block := opts.last('b', strconv.Itoa(blockSize))
		for _, o := range opts['o'] {
			if b, ok := strings.CutPrefix(o, "volblocksize="); ok {
				block = b
			}
		}
		var err error
		if d.Block, err = parseSize(block); err != nil {
			return complain(err)
		}
		if d.Block < 512 || d.Block > 16<<20 || d.Block&(d.Block-1) != 0 {
			return complain(errors.New("'volblocksize' must be power of 2 from 512B to 16M"))
		}
		if d.Size, err = parseSize(opts.last('V', "")); err != nil {
			return complain(err)
		}
		if d.Size == 0 {
			return complain(errors.New("volume size must be greater than zero"))
		}
		d.Size = (d.Size + d.Block - 1) / d.Block * d.Block
		if !opts.has('s') {
			reserve := reservation(d.Size)
			if reserve > s.available(parent(name)) {
				return complain(errors.New("out of space"))
			}
			d.Props["refreservation"] = strconv.FormatInt(reserve, 10)
		}
	}
	for _, o := range opts['o'] {
		if strings.HasPrefix(o, "volblocksize=") {
			continue
		}
		if err := s.setOne(name, o); err != nil {
			return complain(err)
		}
	}
	return nil
}

// reservation is what a volume that is not sparse keeps for itself: its size and what describes it.
func reservation(size int64) int64 { return size + size/32 }
