package standin

import (
	"fmt"
	"io"
	"slices"
	"strings"
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
