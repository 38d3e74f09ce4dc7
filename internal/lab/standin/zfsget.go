package standin

import (
	"io"
	"slices"
	"strings"
)

// getColumns are what get may print.
var getColumns = []string{"name", "property", "value", "received", "source"}

func zfsGet(args []string, out io.Writer) error {
	opts, words, err := getopt(args, "Hpro:t:d:s:")
	if err != nil {
		return err
	}
	if len(words) == 0 {
		return usage("missing property argument")
	}
	var cols []property // none: all that a dataset has
	if words[0] != "all" {
		if cols, err = columns(strings.Split(words[0], ",")); err != nil {
			return err
		}
	}
	fields := opts.list('o', "name", "property", "value", "source")
	if fields[0] == "all" {
		fields = getColumns
	}
	var t table
	for _, field := range fields {
		if !slices.Contains(getColumns, field) {
			return usage("invalid column name '%s'", field)
		}
		t.head = append(t.head, strings.ToUpper(field))
	}
	s, err := load()
	if err != nil {
		return err
	}
	names, failed := s.choose(words[1:], opts)
	for _, name := range names {
		t.rows = append(t.rows, s.getRows(name, cols, fields, opts)...)
	}
	if len(t.rows) > 0 {
		t.print(out, opts.has('H'))
	}
	return failed
}

// getRows are the lines of one dataset. Asked for all, those that do not apply are left out.
func (s *state) getRows(name string, cols []property, fields []string, opts options) [][]string {
	all := cols == nil
	if all {
		cols = append(slices.Clone(properties[1:]), s.userProperties(name)...)
	}
	var rows [][]string
	for _, p := range cols {
		value, source := s.value(name, p)
		if all && value == "-" || opts.has('s') && !slices.Contains(opts.list('s'), sourceKind(source)) {
			continue
		}
		cell := map[string]string{"name": name, "property": p.name, "value": p.show(value, opts.has('p')), "source": source, "received": "-"}
		var row []string
		for _, field := range fields {
			row = append(row, cell[field])
		}
		rows = append(rows, row)
	}
	return rows
}

// sourceKind is the word that -s knows a source by.
func sourceKind(source string) string {
	kind, _, _ := strings.Cut(source, " ")
	if kind == "-" {
		return "none"
	}
	return kind
}
