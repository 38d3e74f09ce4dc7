package standin

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// zfs is the program of that name.
func zfs(args []string, out io.Writer) error {
	if len(args) == 0 {
		return usage("missing command\nusage: zfs command args ...")
	}
	verb, rest := args[0], args[1:]
	switch verb {
	case "list":
		return zfsList(rest, out)
	case "get":
		return zfsGet(rest, out)
	case "create":
		return zfsCreate(rest)
	case "set":
		return zfsSet(rest)
	case "inherit":
		return zfsInherit(rest)
	case "destroy":
		return zfsDestroy(rest, out)
	case "mount":
		return zfsMount(rest, out)
	case "unmount", "umount":
		return zfsUnmount(rest)
	case "version", "--version", "-V":
		fmt.Fprintln(out, "zfs-2.2.9-lab\nzfs-kmod-2.2.9-lab")
		return nil
	}
	return usage("unrecognized command '%s'\nusage: zfs command args ...", verb)
}

// choose returns the datasets that words, -r and -d name, of the types wanted.
func (s *state) choose(words []string, opts options) ([]string, error) {
	if len(words) == 0 {
		words, opts['r'] = nil, []string{""}
		for name := range s.Pools {
			words = append(words, name)
		}
		slices.Sort(words)
	}
	types := opts.list('t', "filesystem", "volume")
	var names []string
	var errs []error
	for _, word := range words {
		word = strings.TrimPrefix(word, "/dev/zvol/")
		if _, err := s.find(word); err != nil {
			errs = append(errs, err)
			continue
		}
		for _, name := range s.under(word) {
			depth := strings.Count(name, "/") - strings.Count(word, "/")
			if name != word && !opts.has('r') && !(opts.has('d') && fmt.Sprint(depth) <= opts.last('d', "0")) {
				continue
			}
			if !s.isOf(name, types) {
				if name == word && !opts.has('r') {
					errs = append(errs, fmt.Errorf("cannot open '%s': operation not applicable to datasets of this type", word))
				}
				continue
			}
			names = append(names, name)
		}
	}
	return names, errors.Join(errs...)
}

func (s *state) isOf(name string, types []string) bool {
	kind, _ := s.computed(name, s.Datasets[name], "type")
	return slices.Contains(types, kind) || slices.Contains(types, "all") ||
		kind == "volume" && slices.Contains(types, "vol") || kind == "filesystem" && slices.Contains(types, "fs")
}

func zfsList(args []string, out io.Writer) error {
	opts, words, err := getopt(args, "Hpro:t:d:s:S:")
	if err != nil {
		return err
	}
	cols, err := columns(opts.list('o', "name", "used", "available", "referenced", "mountpoint"))
	if err != nil {
		return err
	}
	s, err := load()
	if err != nil {
		return err
	}
	names, failed := s.choose(words, opts)
	if len(names) == 0 && failed == nil {
		fmt.Fprintln(os.Stderr, "no datasets available")
		return nil
	}
	var t table
	for _, p := range cols {
		head := p.name
		for s, long := range map[string]string{"AVAIL": "available", "REFER": "referenced", "VOLBLOCK": "volblocksize", "RATIO": "compressratio"} {
			if head == long {
				head = s
			}
		}
		t.head = append(t.head, strings.ToUpper(head))
	}
	for _, name := range names {
		var row []string
		for _, p := range cols {
			value, _ := s.value(name, p)
			row = append(row, p.show(value, opts.has('p')))
		}
		t.rows = append(t.rows, row)
	}
	if len(t.rows) > 0 {
		t.print(out, opts.has('H'))
	}
	return failed
}
