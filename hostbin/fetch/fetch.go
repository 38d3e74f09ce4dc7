package fetch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"bisc/hostbin/cluster"
	"bisc/hostbin/snapshots"
)

// ErrNothing: no source and nothing that is here makes a pair that is fresh enough.
var ErrNothing = errors.New("no fresh pair can be had")

// fetcher is one fetch.
type fetcher struct {
	client *cluster.Client
	order  Order
	say    *Progress

	found   snapshots.Found
	failed  int   // downloads
	fulls   int   // that were fetched
	next    int64 // the measured speed of the next best source, bytes a second
	later   int64 // bytes that have to stay free for what follows
	fetched []string
	kept    []string
}

// Run fetches. What it comes to is nil only where nothing usable is in the folder at the end.
func Run(ctx context.Context, c *cluster.Client, o Order, say *Progress) (*snapshots.Result, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	if err := refuseLive(o.Into); err != nil {
		return nil, err
	}
	held, err := lock(o.Into)
	if err != nil {
		return nil, err
	}
	defer held.Close()
	f := &fetcher{client: c, order: o, say: say}
	if f.found, err = c.Find(ctx, o.Finding); err != nil {
		return nil, err
	}
	say.Found(f.found)
	for {
		full, err := f.full(ctx)
		if err != nil {
			return nil, err
		}
		result, orphan, err := f.converge(ctx, full)
		if err != nil || !orphan || result.Fresh {
			return result, err
		}
		if f.fulls >= f.order.Fulls {
			return result, fmt.Errorf("%w: %s: no source has an incremental for it, and %d fulls were fetched already", ErrNothing, result, f.fulls)
		}
		say.Note("no source has an incremental for the full %d: another full is looked for", full.Slot)
		if f.found, err = c.Find(ctx, o.Finding); err != nil {
			return result, err
		}
		f.found.Taken = slices.DeleteFunc(f.found.Taken, func(s snapshots.Source) bool { return s.Full.Slot == full.Slot })
		f.found.Serving = slices.DeleteFunc(f.found.Serving, func(s snapshots.Source) bool { return s.Incremental != nil && s.Incremental.Base == full.Slot })
	}
}

// have is a full that lies on this host.
type have struct {
	snapshots.Archive
	dir  string
	pair snapshots.Pair
}

// haves are the fulls of the folders, the newest pair first.
func (f *fetcher) haves() ([]have, error) {
	var out []have
	for _, dir := range append([]string{f.order.Into}, f.order.Have...) {
		files, err := Files(dir, nil)
		if err != nil {
			return nil, err
		}
		for _, p := range snapshots.Pairs(snapshots.Usable(files)) {
			if slices.Contains(f.found.Wants.Formats, p.Full.Format) {
				out = append(out, have{p.Full, dir, p})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b have) int { return cmp.Compare(b.pair.Slot(), a.pair.Slot()) })
	return out, nil
}

// full gives the full to go on with: one that is here, where a fresh incremental fits it (it is 100 GB that need not come
// again), else the fastest source's.
func (f *fetcher) full(ctx context.Context) (snapshots.Archive, error) {
	here, err := f.haves()
	if err != nil {
		return snapshots.Archive{}, err
	}
	limit := f.found.Wants.MaxBehind
	best, newest := -1, uint64(0)
	for i, h := range here {
		slot := h.pair.Slot()
		if inc, ok := snapshots.NewestFor(f.found.Serving, h.Slot, f.found.Tip, f.found.Wants.Formats); ok {
			slot = max(slot, inc.Slot)
		}
		if snapshots.Behind(slot, f.found.Tip) <= limit && slot > newest {
			best, newest = i, slot
		}
	}
	if best >= 0 {
		return here[best].Archive, f.keep(here[best])
	}
	return f.fetchFull(ctx)
}

// keep makes a full that is here, and its incremental, part of the folder: a link to the same file, which takes no space.
func (f *fetcher) keep(h have) error {
	names := []string{h.Name()}
	if h.pair.Incremental != nil {
		names = append(names, h.pair.Incremental.Name())
	}
	for _, name := range names {
		f.kept = append(f.kept, name)
		if h.dir == f.order.Into {
			continue
		}
		if err := link(filepath.Join(h.dir, name), filepath.Join(f.order.Into, name)); err != nil {
			return fmt.Errorf("link %s from %s into %s, which has to be on the same file system: %w", name, h.dir, f.order.Into, err)
		}
	}
	f.say.Note("%s is here already and is kept", h.pair)
	return syncFolder(f.order.Into)
}

// link makes to a second name of a file. What has that name goes at the stroke that puts the other there, and stays where none
// can be put: it may be a full of this folder, whole, which another folder has too with a newer incremental.
func link(file, to string) error {
	temp := filepath.Join(filepath.Dir(to), snapshots.Partial(filepath.Base(to)+".link")) // prune takes what a killed fetch leaves
	if err := drop(temp); err != nil {
		return err
	}
	if err := os.Link(file, temp); err != nil {
		return err
	}
	if err := os.Rename(temp, to); err != nil {
		return errors.Join(err, drop(temp))
	}
	return drop(temp) // rename(2) leaves both where they were one file already
}

// fetchFull downloads the full of the fastest source that delivers.
func (f *fetcher) fetchFull(ctx context.Context) (snapshots.Archive, error) {
	if len(f.found.Taken) == 0 {
		return snapshots.Archive{}, fmt.Errorf("%w: %s", ErrNothing, f.found.Help())
	}
	var last error
	var tried []snapshots.Archive
	for i, s := range f.found.Taken {
		if s.Full == nil || slices.Contains(tried, s.Full.Archive) {
			continue
		}
		tried = append(tried, s.Full.Archive)
		f.next = 0
		if i+1 < len(f.found.Taken) {
			f.next = f.found.Taken[i+1].Speed
		}
		f.later = f.incrementalRoom(ctx, s)
		if last = f.download(ctx, s.Full.Archive, snapshots.Mirrors(f.found.Taken, s.Full.Archive)); last == nil {
			f.fulls++
			return s.Full.Archive, nil
		}
		if ctx.Err() != nil || errors.Is(last, errHere) || f.failed >= f.order.Attempts {
			break
		}
	}
	return snapshots.Archive{}, fmt.Errorf("no full could be fetched: %w", last)
}

// incrementalRoom is the space for two of a source's incrementals: while one is replaced by a newer both are there.
func (f *fetcher) incrementalRoom(ctx context.Context, s snapshots.Source) int64 {
	if s.Incremental == nil {
		return 0
	}
	o, err := ask(ctx, f.client, s.Incremental.URL)
	if err != nil || o.Length < 0 {
		return 0 // it is looked at again when it is fetched
	}
	return 2 * o.Length
}
