package standin

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// property is what is known of a native property.
type property struct {
	name     string
	on       string // v: volumes, f: file systems
	def      string
	readonly bool
	inherits bool
	number   bool // shown with a unit, unless -p
}

// properties are in the order of zfs get all.
var properties = []property{
	{name: "name", on: "vf", readonly: true},
	{name: "type", on: "vf", readonly: true},
	{name: "creation", on: "vf", readonly: true},
	{name: "used", on: "vf", readonly: true, number: true},
	{name: "available", on: "vf", readonly: true, number: true},
	{name: "referenced", on: "vf", readonly: true, number: true},
	{name: "compressratio", on: "vf", readonly: true},
	{name: "mounted", on: "f", readonly: true},
	{name: "quota", on: "f", def: "0", number: true},
	{name: "reservation", on: "vf", def: "0", number: true},
	{name: "volsize", on: "v", number: true},
	{name: "volblocksize", on: "v", readonly: true, number: true},
	{name: "recordsize", on: "f", def: "131072", inherits: true, number: true},
	{name: "mountpoint", on: "f", inherits: true},
	{name: "checksum", on: "vf", def: "on", inherits: true},
	{name: "compression", on: "vf", def: "on", inherits: true},
	{name: "atime", on: "f", def: "on", inherits: true},
	{name: "devices", on: "f", def: "on", inherits: true},
	{name: "exec", on: "f", def: "on", inherits: true},
	{name: "setuid", on: "f", def: "on", inherits: true},
	{name: "readonly", on: "vf", def: "off", inherits: true},
	{name: "snapdir", on: "f", def: "hidden", inherits: true},
	{name: "canmount", on: "f", def: "on"},
	{name: "xattr", on: "f", def: "on", inherits: true},
	{name: "copies", on: "vf", def: "1", inherits: true},
	{name: "guid", on: "vf", readonly: true},
	{name: "primarycache", on: "vf", def: "all", inherits: true},
	{name: "secondarycache", on: "vf", def: "all", inherits: true},
	{name: "refquota", on: "f", def: "0", number: true},
	{name: "refreservation", on: "vf", def: "0", number: true},
	{name: "logbias", on: "vf", def: "latency", inherits: true},
	{name: "dedup", on: "vf", def: "off", inherits: true},
	{name: "sync", on: "vf", def: "standard", inherits: true},
	{name: "logicalused", on: "vf", readonly: true, number: true},
	{name: "logicalreferenced", on: "vf", readonly: true, number: true},
	{name: "volmode", on: "v", def: "default", inherits: true},
	{name: "snapdev", on: "v", def: "hidden", inherits: true},
	{name: "acltype", on: "f", def: "off", inherits: true},
	{name: "relatime", on: "f", def: "on", inherits: true},
	{name: "redundant_metadata", on: "vf", def: "all", inherits: true},
	{name: "encryption", on: "vf", def: "off", readonly: true},
}

// short are the names that zfs takes for longer ones.
var short = map[string]string{"avail": "available", "refer": "referenced", "volblock": "volblocksize", "compress": "compression",
	"recsize": "recordsize", "refreserv": "refreservation", "reserv": "reservation", "rdonly": "readonly", "lused": "logicalused"}

// lookup finds a native property by its name or short name. A user property has a colon and no entry.
func lookup(name string) (property, bool) {
	if long := short[name]; long != "" {
		name = long
	}
	i := slices.IndexFunc(properties, func(p property) bool { return p.name == name })
	if i < 0 {
		return property{name: name, on: "vf", inherits: true}, strings.Contains(name, ":")
	}
	return properties[i], true
}

func (p property) user() bool { return strings.Contains(p.name, ":") }

func (p property) of(d *dataset) bool {
	if d.Volume {
		return strings.Contains(p.on, "v")
	}
	return strings.Contains(p.on, "f")
}

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

// columns checks the names given to -o or get; "all" is every native one and the user's.
func columns(names []string) ([]property, error) {
	var found []property
	for _, name := range names {
		p, ok := lookup(name)
		if !ok {
			return nil, usage("bad property list: invalid property '%s'", name)
		}
		found = append(found, p)
	}
	return found, nil
}

// userProperties returns those set on a dataset or above it, in order.
func (s *state) userProperties(name string) []property {
	seen := map[string]bool{}
	for up := name; up != ""; up = parent(up) {
		for prop := range s.Datasets[up].Props {
			if strings.Contains(prop, ":") {
				seen[prop] = true
			}
		}
	}
	var found []property
	for prop := range seen {
		found = append(found, property{name: prop, on: "vf", inherits: true})
	}
	slices.SortFunc(found, func(a, b property) int { return strings.Compare(a.name, b.name) })
	return found
}

// checkUser refuses names that zfs does not take for a user property.
func checkUser(name string) error {
	for _, r := range name {
		if !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789:+-._", r) {
			return fmt.Errorf("invalid property '%s'", name)
		}
	}
	return nil
}
