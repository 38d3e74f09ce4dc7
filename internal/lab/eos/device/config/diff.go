package config

import (
	"fmt"
	"strings"
)

// Unified gives the difference of two texts as the switch prints it: unified, three lines around, two header lines, nothing when
// they are equal (cli-transcripts/scrapli, session-diffs/napalm). Which of several shortest forms it is follows the way of
// Python's difflib, in which the switch's command line is written ([I]); the two recorded diffs agree with it.
func Unified(from, to, fromName, toName string) string {
	if from == to {
		return ""
	}
	a, b := lines(from), lines(to)
	var out strings.Builder
	fmt.Fprintf(&out, "--- %s\n+++ %s\n", fromName, toName)
	for _, hunk := range hunks(edits(a, b), 3) {
		hunk.write(&out, a, b)
	}
	return out.String()
}

func lines(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

// edit is a stretch of lines: from a[a1:a2] to b[b1:b2].
type edit struct {
	same           bool
	a1, a2, b1, b2 int
}

type block struct{ a, b, n int }

// edits turns the equal blocks of two texts into stretches.
func edits(a, b []string) []edit {
	var out []edit
	i, j := 0, 0
	for _, m := range append(matching(a, b), block{len(a), len(b), 0}) {
		if i < m.a || j < m.b {
			out = append(out, edit{false, i, m.a, j, m.b})
		}
		if m.n > 0 {
			out = append(out, edit{true, m.a, m.a + m.n, m.b, m.b + m.n})
		}
		i, j = m.a+m.n, m.b+m.n
	}
	return out
}

// matching finds the longest common stretch, then looks on both sides of it. Lines that make up more than a hundredth of a long
// text ("!") do not begin a stretch, they only lengthen one.
func matching(a, b []string) []block {
	where := map[string][]int{}
	for j, line := range b {
		where[line] = append(where[line], j)
	}
	if len(b) >= 200 {
		for line, at := range where {
			if len(at) > len(b)/100+1 {
				delete(where, line)
			}
		}
	}
	var found []block
	var look func(a1, a2, b1, b2 int)
	look = func(a1, a2, b1, b2 int) {
		m := longest(a, b, where, a1, a2, b1, b2)
		if m.n == 0 {
			return
		}
		look(a1, m.a, b1, m.b)
		if n := len(found); n > 0 && found[n-1].a+found[n-1].n == m.a && found[n-1].b+found[n-1].n == m.b {
			found[n-1].n += m.n
		} else {
			found = append(found, m)
		}
		look(m.a+m.n, a2, m.b+m.n, b2)
	}
	look(0, len(a), 0, len(b))
	return found
}

func longest(a, b []string, where map[string][]int, a1, a2, b1, b2 int) block {
	best := block{a1, b1, 0}
	lengths := map[int]int{}
	for i := a1; i < a2; i++ {
		now := map[int]int{}
		for _, j := range where[a[i]] {
			if j < b1 {
				continue
			}
			if j >= b2 {
				break
			}
			k := lengths[j-1] + 1
			now[j] = k
			if k > best.n {
				best = block{i - k + 1, j - k + 1, k}
			}
		}
		lengths = now
	}
	for best.a > a1 && best.b > b1 && a[best.a-1] == b[best.b-1] {
		best = block{best.a - 1, best.b - 1, best.n + 1}
	}
	for best.a+best.n < a2 && best.b+best.n < b2 && a[best.a+best.n] == b[best.b+best.n] {
		best.n++
	}
	return best
}

type hunk []edit

// hunks cuts the equal stretches down to the lines around, and apart where they are longer than twice that.
func hunks(all []edit, around int) []hunk {
	var out []hunk
	var now hunk
	for i, e := range all {
		if !e.same {
			now = append(now, e)
			continue
		}
		head, tail := e, e
		if n := e.a2 - e.a1; n > around {
			head.a2, head.b2 = e.a1+around, e.b1+around
			tail.a1, tail.b1 = e.a2-around, e.b2-around
		}
		switch {
		case i == 0:
			now = hunk{tail}
		case i == len(all)-1:
			now = append(now, head)
		case e.a2-e.a1 > 2*around:
			out = append(out, append(now, head))
			now = hunk{tail}
		default:
			now = append(now, e)
		}
	}
	return append(out, now)
}

func (h hunk) write(out *strings.Builder, a, b []string) {
	first, last := h[0], h[len(h)-1]
	fmt.Fprintf(out, "@@ -%s +%s @@\n", span(first.a1, last.a2), span(first.b1, last.b2))
	each := func(mark string, lines []string) {
		for _, l := range lines {
			out.WriteString(mark + l + "\n")
		}
	}
	for _, e := range h {
		if e.same {
			each(" ", a[e.a1:e.a2])
			continue
		}
		each("-", a[e.a1:e.a2])
		each("+", b[e.b1:e.b2])
	}
}

// span is "first,count" with the first line as 1; one line has no count, none names the line before.
func span(begin, end int) string {
	switch n := end - begin; n {
	case 1:
		return fmt.Sprint(begin + 1)
	case 0:
		return fmt.Sprintf("%d,0", begin)
	default:
		return fmt.Sprintf("%d,%d", begin+1, n)
	}
}
