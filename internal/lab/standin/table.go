package standin

import (
	"fmt"
	"io"
	"strings"
)

// table is what list and get print.
type table struct {
	head []string
	rows [][]string
}

// print writes rows with tabs for scripts (-H), or under a head in columns.
func (t table) print(out io.Writer, scripted bool) {
	if scripted {
		for _, row := range t.rows {
			fmt.Fprintln(out, strings.Join(row, "\t"))
		}
		return
	}
	width := make([]int, len(t.head))
	all := append([][]string{t.head}, t.rows...)
	for _, row := range all {
		for i, cell := range row {
			width[i] = max(width[i], len(cell))
		}
	}
	for _, row := range all {
		line := ""
		for i, cell := range row {
			line += fmt.Sprintf("%-*s  ", width[i], cell)
		}
		fmt.Fprintln(out, strings.TrimRight(line, " "))
	}
}
