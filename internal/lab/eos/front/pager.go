package front

import (
	"context"
	"strings"
)

const more = " --More-- "

// page shows text a page at a time. What was typed ahead are the pager's keys: a blank shows the next page, Enter the next line, q
// ends it; everything else is lost, as any pager has it [I].
func (t *terminal) page(ctx context.Context, text string, rows int) error {
	lines := strings.SplitAfter(text, "\n")
	if last := len(lines) - 1; lines[last] == "" {
		lines = lines[:last]
	}
	for room := max(rows-1, 1); ; {
		n := min(room, len(lines))
		t.write(strings.Join(lines[:n], ""))
		if lines = lines[n:]; len(lines) == 0 {
			return nil
		}
		t.write(more)
		var err error
		if room, err = t.pageKey(ctx, max(rows-1, 1)); err != nil || room == 0 {
			return err
		}
	}
}

// pageKey waits for a key that means something, and says how many lines it shows.
func (t *terminal) pageKey(ctx context.Context, page int) (int, error) {
	for {
		c, err := t.keys.next(ctx)
		if err != nil {
			t.write("\n")
			return 0, err
		}
		erase := "\r" + strings.Repeat(" ", len(more)) + "\r"
		switch c {
		case ' ':
			t.write(erase)
			return page, nil
		case '\r', '\n':
			t.write(erase)
			return 1, nil
		case 'q', 'Q':
			t.write(erase)
			return 0, nil
		}
	}
}
