package hosttest

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
)

// longQuestions: what is asked at once is more than a pipe holds, and so is each answer. Neither end may wait for the other to
// read first: the questions pile up behind slow ones, and large answers stand before them.
func (c conformance) longQuestions(t *testing.T) {
	const slow, files, size = 8, 8, 2 << 20
	names := cmp.Or(c.LongQuestions, 400)
	c.Shell(t, `head -c "$2" /dev/zero >"$1/large"`, c.Dir, fmt.Sprint(size))
	errs := make(chan error, slow+files+names)
	ask := func(n int, one func(i int) error) {
		for i := range n {
			go func() { errs <- one(i) }()
		}
	}
	ask(slow, func(i int) error {
		_, err := c.Probe(c.ctx, "sleep", fmt.Sprintf("0.7%d", i))
		return err
	})
	ask(files, func(i int) error {
		got, err := c.ReadFile(c.ctx, fmt.Sprintf("%s/%slarge", c.Dir, strings.Repeat("./", i))) // each is a question of its own
		if err == nil && len(got) != size {
			err = fmt.Errorf("%d bytes", len(got))
		}
		return err
	})
	ask(names, func(i int) error {
		_, err := c.Stat(c.ctx, fmt.Sprintf("/%s%d", strings.Repeat("long/", 700), i))
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
	for range slow + files + names {
		if err := <-errs; err != nil {
			t.Fatalf("a long question: %.120q", err)
		}
	}
}
