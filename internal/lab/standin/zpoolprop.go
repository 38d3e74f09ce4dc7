package standin

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
)

// poolProperties are what zpool get all lists; those that settable names can be set.
var (
	poolProperties = []string{"size", "capacity", "altroot", "health", "guid", "bootfs", "autoreplace", "cachefile", "failmode", "autoexpand",
		"dedupratio", "free", "allocated", "readonly", "ashift", "comment", "expandsize", "freeing", "fragmentation", "checkpoint", "autotrim"}
	poolDefaults = map[string]string{"bootfs": "-", "autoreplace": "off", "cachefile": "-", "failmode": "wait", "autoexpand": "off", "ashift": "12", "comment": "-", "autotrim": "off"}
	poolShort    = map[string]string{"alloc": "allocated", "cap": "capacity", "frag": "fragmentation", "dedup": "dedupratio", "ckpoint": "checkpoint", "expandsz": "expandsize"}
)

// poolValue returns a property's value and source; ok is false when there is no such property.
func (s *state) poolValue(name, prop string, exact bool) (value, source string, ok bool) {
	p := s.Pools[name]
	size, percent := nice, func(n int64) string { return fmt.Sprintf("%d%%", n) }
	if exact {
		size = func(n int64) string { return strconv.FormatInt(n, 10) }
		percent = size
	}
	// What is reserved is free to the pool itself: it counts what was written.
	allocated := min(p.Size, emptyDataset*int64(len(s.under(name))))
	switch prop {
	case "name":
		return name, "-", true
	case "size":
		return size(p.Size), "-", true
	case "allocated":
		return size(allocated), "-", true
	case "free":
		return size(p.Size - allocated), "-", true
	case "capacity":
		return percent(allocated * 100 / max(1, p.Size)), "-", true
	case "fragmentation":
		return percent(0), "-", true
	case "health":
		return p.Health, "-", true
	case "dedupratio":
		return "1.00x", "-", true
	case "guid":
		return strconv.FormatUint(guid(name, s.Datasets[name].Created), 10), "-", true
	case "altroot", "checkpoint", "expandsize":
		return "-", "-", true
	case "freeing":
		return "0", "-", true
	case "readonly":
		return "off", "-", true
	}
	if value, ok := p.Props[prop]; ok {
		return value, "local", true
	}
	value, ok = poolDefaults[prop]
	return value, "default", ok
}

func (s *state) choosePools(words []string) ([]string, error) {
	if len(words) == 0 {
		for name := range s.Pools {
			words = append(words, name)
		}
		slices.Sort(words)
		return words, nil
	}
	var names []string
	var errs []error
	for _, name := range words {
		if s.Pools[name] == nil {
			errs = append(errs, fmt.Errorf("cannot open '%s': no such pool", name))
			continue
		}
		names = append(names, name)
	}
	return names, errors.Join(errs...)
}

func longPool(name string) string {
	if long := poolShort[name]; long != "" {
		return long
	}
	return name
}
