package standin

import (
	"strconv"
	"strings"
	"time"
)

// value returns a property's raw value and its source. Both are "-" where it does not apply.
func (s *state) value(name string, p property) (value, source string) {
	d := s.Datasets[name]
	if !p.of(d) {
		return "-", "-"
	}
	if p.name == "mountpoint" {
		return s.mountpoint(name)
	}
	if value, ok := d.Props[p.name]; ok {
		return value, "local"
	}
	if value, ok := s.computed(name, d, p.name); ok {
		if p.name == "volsize" {
			return value, "local"
		}
		return value, "-"
	}
	if p.inherits {
		for up := parent(name); up != ""; up = parent(up) {
			if value, ok := s.Datasets[up].Props[p.name]; ok {
				return value, "inherited from " + up
			}
		}
	}
	if p.user() {
		return "-", "-"
	}
	return p.def, "default"
}

// computed are the properties that nobody sets.
func (s *state) computed(name string, d *dataset, prop string) (string, bool) {
	number := func(n int64) (string, bool) { return strconv.FormatInt(n, 10), true }
	switch prop {
	case "name":
		return name, true
	case "type":
		if d.Volume {
			return "volume", true
		}
		return "filesystem", true
	case "creation":
		return number(d.Created)
	case "guid":
		return strconv.FormatUint(guid(name, d.Created), 10), true
	case "volsize":
		return number(d.Size)
	case "volblocksize":
		return number(d.Block)
	case "used":
		return number(s.used(name))
	case "available":
		return number(s.available(name))
	case "referenced", "logicalused", "logicalreferenced":
		return number(emptyDataset)
	case "compressratio":
		return "1.00x", true
	case "mounted":
		if mounted(name) {
			return "yes", true
		}
		return "no", true
	}
	return "", false
}

// mountpoint is the nearest one set, with the names below it.
func (s *state) mountpoint(name string) (value, source string) {
	for up := name; up != ""; up = parent(up) {
		point, ok := s.Datasets[up].Props["mountpoint"]
		switch {
		case !ok:
		case up == name:
			return point, "local"
		case point == "none" || point == "legacy":
			return point, "inherited from " + up
		default:
			return strings.TrimSuffix(point, "/") + strings.TrimPrefix(name, up), "inherited from " + up
		}
	}
	return "/" + name, "default"
}

// emptyDataset is what a dataset takes before anything is in it, in bytes. What is written is not counted.
const emptyDataset = 24 << 10

// used is what a dataset takes from its pool: a volume that is not sparse takes its reservation.
func (s *state) used(name string) int64 {
	var sum int64
	for _, below := range s.under(name) {
		d := s.Datasets[below]
		reserved, _ := strconv.ParseInt(d.Props["refreservation"], 10, 64)
		sum += max(emptyDataset, reserved)
	}
	return sum
}

// available is what a dataset may still take. A thirty-second of a pool is ZFS' own reserve.
func (s *state) available(name string) int64 {
	pool := poolOf(name)
	size := s.Pools[pool].Size
	free := size - size/32 - s.used(pool)
	reserved, _ := strconv.ParseInt(s.Datasets[name].Props["refreservation"], 10, 64)
	return max(0, free+reserved)
}

// show writes a value as zfs does, exact with -p.
func (p property) show(value string, exact bool) string {
	n, err := strconv.ParseInt(value, 10, 64)
	switch {
	case err != nil || exact:
		return value
	case p.name == "creation":
		return time.Unix(n, 0).Format("Mon Jan _2 15:04 2006")
	case p.number && n == 0 && p.def == "0":
		return "none"
	case p.number:
		return nice(n)
	}
	return value
}
