package standin

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// zpool is the program of that name.
func zpool(args []string, out io.Writer) error {
	if len(args) == 0 {
		return usage("missing command\nusage: zpool command args ...")
	}
	verb, rest := args[0], args[1:]
	switch verb {
	case "list":
		return zpoolList(rest, out)
	case "get":
		return zpoolGet(rest, out)
	case "status":
		return zpoolStatus(rest, out)
	case "create":
		return zpoolCreate(rest)
	case "destroy":
		return zpoolDestroy(rest)
	case "set":
		return zpoolSet(rest)
	case "import":
		return zpoolImport(rest, out)
	case "version", "--version":
		return zfs([]string{"version"}, out)
	}
	return usage("unrecognized command '%s'\nusage: zpool command args ...", verb)
}

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
	size := func(n int64) string {
		if exact {
			return strconv.FormatInt(n, 10)
		}
		return nice(n)
	}
	percent := func(n int64) string {
		if exact {
			return strconv.FormatInt(n, 10)
		}
		return fmt.Sprintf("%d%%", n)
	}
	allocated := min(p.Size, s.used(name))
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

func zpoolList(args []string, out io.Writer) error {
	opts, words, err := getopt(args, "HpgLPvo:T:")
	if err != nil {
		return err
	}
	s, err := load()
	if err != nil {
		return err
	}
	names, failed := s.choosePools(words)
	if len(names) == 0 && failed == nil {
		fmt.Fprintln(out, "no pools available")
		return nil
	}
	cols := opts.list('o', "name", "size", "alloc", "free", "ckpoint", "expandsz", "frag", "cap", "dedup", "health", "altroot")
	var t table
	for _, name := range names {
		var row []string
		for _, col := range cols {
			value, _, ok := s.poolValue(name, longPool(col), opts.has('p'))
			if !ok {
				return usage("bad property list: invalid property '%s'", col)
			}
			row = append(row, value)
		}
		t.rows = append(t.rows, row)
	}
	for _, col := range cols {
		t.head = append(t.head, strings.ToUpper(col))
	}
	if len(t.rows) > 0 {
		t.print(out, opts.has('H'))
	}
	return failed
}

func longPool(name string) string {
	if long := poolShort[name]; long != "" {
		return long
	}
	return name
}

func zpoolGet(args []string, out io.Writer) error {
	opts, words, err := getopt(args, "Hpo:")
	if err != nil {
		return err
	}
	if len(words) == 0 {
		return usage("missing property argument")
	}
	s, err := load()
	if err != nil {
		return err
	}
	props := strings.Split(words[0], ",")
	if words[0] == "all" {
		props = poolProperties
	}
	names, failed := s.choosePools(words[1:])
	fields := opts.list('o', "name", "property", "value", "source")
	t := table{}
	for _, field := range fields {
		t.head = append(t.head, strings.ToUpper(field))
	}
	for _, name := range names {
		for _, prop := range props {
			value, source, ok := s.poolValue(name, longPool(prop), opts.has('p'))
			if !ok {
				return usage("bad property list: invalid property '%s'", prop)
			}
			cell := map[string]string{"name": name, "property": longPool(prop), "value": value, "source": source}
			var row []string
			for _, field := range fields {
				row = append(row, cell[field])
			}
			t.rows = append(t.rows, row)
		}
	}
	if len(t.rows) > 0 {
		t.print(out, opts.has('H'))
	}
	return failed
}

func zpoolStatus(args []string, out io.Writer) error {
	opts, words, err := getopt(args, "cDgiLPpstvxT:")
	if err != nil {
		return err
	}
	s, err := load()
	if err != nil {
		return err
	}
	names, failed := s.choosePools(words)
	if opts.has('x') {
		healthy := func(name string) bool { return s.Pools[name].Health == "ONLINE" }
		if len(words) == 0 && !slices.ContainsFunc(names, func(n string) bool { return !healthy(n) }) {
			fmt.Fprintln(out, map[bool]string{true: "all pools are healthy", false: "no pools available"}[len(names) > 0])
			return failed
		}
		for _, name := range words {
			if s.Pools[name] != nil && healthy(name) {
				fmt.Fprintf(out, "pool '%s' is healthy\n", name)
			}
		}
		names = slices.DeleteFunc(names, healthy)
	}
	for _, name := range names {
		health := s.Pools[name].Health
		fmt.Fprintf(out, "  pool: %s\n state: %s\nconfig:\n\n\tNAME        STATE     READ WRITE CKSUM\n\t%-10s  %-8s     0     0     0\n\t  lab0      %-8s     0     0     0\n\nerrors: No known data errors\n", name, health, name, health, health)
	}
	return failed
}

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
