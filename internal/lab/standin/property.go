package standin

import (
	"fmt"
	"slices"
	"strings"
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
	{name: "overlay", on: "f", def: "on", inherits: true},
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
