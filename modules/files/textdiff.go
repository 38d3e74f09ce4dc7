package files

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/diff"

	"bisc/internal/host"
	"bisc/modules"
)

// A text diff is left out beyond these: it would be read by nobody, and its cost grows with both sides.
const (
	diffBytes = 256 << 10
	diffLines = 200 // shown
)

// TextDiff is the diff of a file's content: a unified diff of text, digests of what is binary or large. A nil got means
// that there is no file.
func TextDiff(attr, name string, got, want []byte) modules.Diff {
	d := modules.Diff{Attr: attr, Got: "(none)", Want: summary(want)}
	if got != nil {
		d.Got = summary(got)
	}
	if !isText(got) || !isText(want) || len(got) > diffBytes || len(want) > diffBytes {
		return d
	}
	d.Text = cut(string(diff.Diff(name+" (host)", got, name+" (plan)", want)))
	return d
}

// cut drops the "diff a b" line, which only repeats the two after it, and what is beyond diffLines.
func cut(text string) string {
	if _, rest, ok := strings.Cut(text, "\n"); ok && strings.HasPrefix(text, "diff ") {
		text = rest
	}
	lines := strings.SplitAfter(text, "\n")
	if len(lines) <= diffLines {
		return text
	}
	return strings.Join(lines[:diffLines], "") + fmt.Sprintf("... %d more lines\n", len(lines)-diffLines)
}

func summary(content []byte) string {
	return fmt.Sprintf("%s, sha256:%.12s", size(content), host.ContentDigest(append([]byte{}, content...)))
}

func isText(content []byte) bool {
	return utf8.Valid(content) && !bytes.ContainsRune(content, 0)
}
