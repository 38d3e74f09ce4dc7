package eoshost

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"time"

	"bisc/internal/host"
)

// StateFolder is where a switch keeps what outlives bisc: all but flash is lost at a reload (eos.md D.1).
const StateFolder = "/mnt/flash/bisc/state"

// StateFolder is the constant's value: holds, used plan files and what others ask for lie there.
func (h *Host) StateFolder() string { return StateFolder }

// The texts that move files about on flash, as root. Each does all of its part in one go: a connection that ends in the middle
// leaves no file in neither of its states.
var (
	//go:embed linux/place.sh
	placeText string
	//go:embed linux/back.sh
	backText string
	//go:embed linux/drop.sh
	dropText string
)

// flashLimit is how long one of them may take: flash is slow, and is synced.
const flashLimit = 2 * time.Minute

// swap is a file that is to take another's place on flash.
type swap struct {
	path   string
	next   string // the new content, beside it; empty: the file goes
	old    string // where the old content is kept until the change is confirmed
	was    string // SHA-256 of the old content as planned, host.Absent, or empty: anything
	placed bool
}

// newSwap names the two files beside one. The run is part of the names: what a dead run left is nobody's to take for this one's.
func (w *Writer) newSwap(s host.Step) *swap {
	f := &swap{}
	switch s := s.(type) {
	case host.Put:
		f.path, f.was = path.Clean(s.Path), s.Was
	case host.Push:
		f.path = path.Clean(s.Path)
	case host.Remove:
		f.path = path.Clean(s.Path)
	}
	dir, base := path.Split(f.path)
	f.old = dir + "." + base + ".bisc-old-" + w.cfg.Run
	if _, goes := s.(host.Remove); !goes {
		f.next = dir + "." + base + ".bisc-new-" + w.cfg.Run
	}
	return f
}

// bring brings a file's content to flash, beside the file that is in use, and proves it by its digest.
func (w *Writer) bring(ctx context.Context, f *swap, s host.Step) error {
	switch s := s.(type) {
	case host.Put:
		source := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(s.Content)), nil }
		return w.carry(ctx, f.next, s.Mode, int64(len(s.Content)), host.ContentDigest(append([]byte{}, s.Content...)), source)
	case host.Push:
		return w.carry(ctx, f.next, s.Mode, s.Size, s.Digest, s.Source)
	}
	return nil
}

// swapAll puts the files in their places.
func (w *Writer) swapAll(ctx context.Context) error {
	for _, f := range w.files {
		w.swapped = true
		err := host.DoAside(ctx, host.Aside{What: "put " + f.path + " in its place"}, func(ctx context.Context) (string, error) { return "", w.inPlace(ctx, f) })
		if err != nil {
			return err
		}
	}
	return nil
}

// runAll does the programs, once the files are in their places and the lines in force: a daemon that is ended then is started again
// from its new file and by its new exec line.
func (w *Writer) runAll(ctx context.Context) error {
	for _, s := range w.scripts {
		w.swapped = true
		err := host.DoAside(ctx, host.Aside{What: s.String()}, func(ctx context.Context) (string, error) { return "", w.script(ctx, s) })
		if err != nil {
			return err
		}
	}
	return nil
}

// inPlace puts one file in its place; the old one is kept beside it.
func (w *Writer) inPlace(ctx context.Context, f *swap) error {
	f.placed = true // it may be, whatever the answer
	out, err := w.linux(ctx, flashLimit, true, "put "+f.path, placeText, f.path, f.next, f.old, f.was)
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", host.ErrLost, err)
	case out.Exit == 3:
		f.placed = false
		return fmt.Errorf("put %s: %w", f.path, host.ErrChanged)
	case out.Exit != 0:
		return &host.ExitError{Argv: []string{"put " + f.path}, Exit: out.Exit, Stderr: out.Stderr}
	}
	return nil
}

// script does a program with its guards in one process tree.
func (w *Writer) script(ctx context.Context, s host.Script) error {
	limit := s.Limit
	if limit == 0 {
		limit = host.DefaultLimit
	}
	if len(s.Stdin) > 0 {
		return fmt.Errorf("%s: a switch's program is given no input: %w", s.Argv[0], errors.ErrUnsupported)
	}
	out, err := w.linux(ctx, limit, true, s.Argv[0], runText, s.Command()...)
	if err != nil {
		return fmt.Errorf("%w: %w", host.ErrLost, err)
	}
	return host.Verdict(s.Argv, out)
}

// filesBack puts the files back that were put in their places, ends the programs that run from the new ones (what supervises them
// starts the old), and takes the new contents away. before is what became of the configuration.
func (w *Writer) filesBack(ctx context.Context, before error) error {
	var log []string
	var failed error
	for i := len(w.files) - 1; i >= 0; i-- {
		f := w.files[i]
		err := host.DoAside(ctx, host.Aside{What: "put the old " + f.path + " back", Owed: true}, func(ctx context.Context) (string, error) {
			return "", w.putBack(ctx, f)
		})
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("the old %s is not back (it is kept as %s): %w", f.path, f.old, err))
		} else if f.placed {
			log = append(log, "the old "+f.path+" is back")
		}
	}
	if failed != nil {
		return fmt.Errorf("%w: %w", host.ErrLost, errors.Join(before, failed))
	}
	var reverted *host.RevertedError
	switch {
	case len(log) == 0:
		return before
	case before == nil:
		return &host.RevertedError{Host: w.Name(), By: "the old files were put back", Log: log}
	case errors.As(before, &reverted):
		reverted.Log = append(reverted.Log, log...)
	}
	return before
}

// filesStay leaves the files as they are once a confirmation was sent of which nobody knows whether it arrived: old files beside new
// lines would be neither state. It names what was kept of the old ones.
func (w *Writer) filesStay(lost error) error {
	for _, f := range w.files {
		if f.placed {
			lost = fmt.Errorf("%w; %s is the new one, and the old is kept as %s", lost, f.path, f.old)
		}
	}
	return lost
}

// putBack is tried again over a new connection where the first is gone.
func (w *Writer) putBack(ctx context.Context, f *swap) error {
	on, until := w.Host, w.tempo.now().Add(reopenLimit)
	for {
		out, err := on.linux(ctx, flashLimit, true, "put back "+f.path, backText, f.path, f.next, f.old, strconv.FormatBool(f.placed))
		if on != w.Host {
			_ = on.Close()
		}
		if err == nil && out.Exit != 0 {
			return &host.ExitError{Argv: []string{"put back " + f.path}, Exit: out.Exit, Stderr: out.Stderr}
		}
		if err == nil || !errors.Is(err, host.ErrUnreachable) && !errors.Is(err, host.ErrStuck) {
			return err
		}
		for err != nil {
			if !w.tempo.now().Before(until) {
				return err
			}
			if not := w.tempo.sleep(ctx, 2*time.Second); not != nil {
				return not
			}
			on, err = Open(ctx, w.pool, w.cfg)
		}
	}
}

// forgetOld removes what was kept for a revert.
func (w *Writer) forgetOld(ctx context.Context, f *swap) error {
	out, err := w.linux(ctx, flashLimit, true, "remove the old "+f.path, dropText, f.next, f.old)
	if err == nil && out.Exit != 0 {
		err = &host.ExitError{Argv: []string{"rm"}, Exit: out.Exit, Stderr: out.Stderr}
	}
	return err
}
