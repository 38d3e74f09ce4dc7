package plans

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
)

// snippet is the first line of a range, cut in three: before the range, in it, after it.
type snippet struct {
	line                  int
	before, marked, after string // as in the file
}

// snippetOf finds a range's line. A range that does not fit its file, or a file that is not there, has none.
func snippetOf(files map[string]*hcl.File, r hcl.Range) (snippet, bool) {
	f, ok := files[r.Filename]
	if !ok || f == nil || r.Start.Byte < 0 || r.Start.Byte > len(f.Bytes) || r.End.Byte < r.Start.Byte {
		return snippet{}, false
	}
	text := f.Bytes
	first := bytes.LastIndexByte(text[:r.Start.Byte], '\n') + 1
	last := len(text)
	if n := bytes.IndexByte(text[r.Start.Byte:], '\n'); n >= 0 {
		last = r.Start.Byte + n
	}
	end := min(r.End.Byte, last)
	return snippet{
		line: r.Start.Line, before: string(text[first:r.Start.Byte]), marked: string(text[r.Start.Byte:end]),
		after: strings.TrimRight(string(text[end:last]), "\r"),
	}, true
}

// window is the snippet as it is shown, in at most about room columns: a line that is longer is cut around the range.
func (s snippet) window(room int) (before, marked, after string) {
	// A file may be a megabyte in one line, and a character has at most four bytes: what is further away is not needed.
	before, marked, after = shown(lastBytes(s.before, 8*room)), shown(firstBytes(strings.TrimRight(s.marked, "\r"), 8*room)), shown(firstBytes(s.after, 8*room))
	if columns(before)+columns(marked)+columns(after) <= room {
		return before, marked, after
	}
	marked = cutEnd(marked, room/2)
	left := room - columns(marked)
	before = cutStart(before, max(left/2, left-columns(after)))
	after = cutEnd(after, room-columns(marked)-columns(before))
	return before, marked, after
}

// shown is safe for a terminal, and every character of it takes one column but those of wide scripts.
func shown(s string) string { return strings.ReplaceAll(clean(s), "\t", " ") }

func firstBytes(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

func lastBytes(s string, n int) string {
	if len(s) <= n {
		return s
	}
	at := len(s) - n
	for at < len(s) && !utf8.RuneStart(s[at]) {
		at++
	}
	return s[at:]
}

func columns(s string) int { return utf8.RuneCountInString(s) }

const cut = "..."

func cutEnd(s string, room int) string {
	if columns(s) <= room {
		return s
	}
	runes := []rune(s)
	return string(runes[:max(0, room-len(cut))]) + cut
}

func cutStart(s string, room int) string {
	if columns(s) <= room {
		return s
	}
	runes := []rune(s)
	return cut + string(runes[len(runes)-max(0, room-len(cut)):])
}
