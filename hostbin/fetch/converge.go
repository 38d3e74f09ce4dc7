package fetch

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"bisc/hostbin/snapshots"
)

// converge follows the incrementals of a full until the pair is as close to the cluster as the order wants, for a bounded time
// and a bounded number of failures. A full takes many minutes: what was its incremental when it began is old or gone by then,
// so that the sources are asked anew each time. orphan: no source has any for this full.
func (f *fetcher) converge(ctx context.Context, full snapshots.Archive) (result *snapshots.Result, orphan bool, err error) {
	f.later, f.next = 0, 0
	until := time.Now().Add(f.order.Within)
	pair := f.pairOf(full)
	misses, failed := 0, 0
	for {
		tip, err := snapshots.Tip(ctx, f.client.Ask)
		if err != nil {
			return nil, false, err
		}
		result = f.result(pair, tip)
		if result.Converged {
			return result, false, nil
		}
		if time.Now().After(until) {
			result.Note = fmt.Sprintf("followed for %s, the limit", f.order.Within)
			return result, false, f.enough(result)
		}
		served, ok := f.newest(ctx, full.Slot, tip)
		switch {
		case ctx.Err() != nil:
			return nil, false, context.Cause(ctx)
		case !ok && pair.Incremental == nil:
			if misses++; misses >= f.order.Misses {
				result.Note = fmt.Sprintf("no source has an incremental for this full, asked %d times", misses)
				f.say.Note("%s", result)
				return result, true, nil
			}
		case ok && (pair.Incremental == nil || served.Slot > pair.Incremental.Slot):
			f.failed = 0 // each incremental has its own attempts
			if err := f.download(ctx, served.Archive, snapshots.Mirrors(f.found.Serving, served.Archive)); err == nil {
				if pair, err = f.replace(pair, served.Archive); err != nil {
					return nil, false, err
				}
				failed = 0
				continue
			} else if ctx.Err() != nil || isHere(err) {
				return nil, false, err
			} else if failed++; failed >= f.order.Attempts {
				result.Note = "the newest incremental could not be fetched: " + err.Error()
				return result, false, f.enough(result)
			}
		}
		f.say.Doing(fmt.Sprintf("waiting for a newer incremental of the full %d (%d slots behind)", full.Slot, result.Behind), "", 0, 0)
		select {
		case <-ctx.Done():
			return nil, false, context.Cause(ctx)
		case <-time.After(f.order.Poll):
		}
	}
}

// enough is the error where what there is at the end of the time is too old.
func (f *fetcher) enough(r *snapshots.Result) error {
	if r.Fresh {
		return nil
	}
	return fmt.Errorf("%w: %s", ErrNothing, r)
}

// pairOf is what the folder has for a full.
func (f *fetcher) pairOf(full snapshots.Archive) snapshots.Pair {
	files, err := Files(f.order.Into, nil)
	if err == nil {
		for _, p := range snapshots.Pairs(snapshots.Usable(files)) {
			if p.Full == full {
				return p
			}
		}
	}
	return snapshots.Pair{Full: full}
}

func (f *fetcher) result(p snapshots.Pair, tip uint64) *snapshots.Result {
	behind := snapshots.Behind(p.Slot(), tip)
	return &snapshots.Result{
		Folder: f.order.Into, Pair: p, Behind: behind, Fresh: behind <= f.found.Wants.MaxBehind, Converged: p.Incremental != nil && behind <= f.order.Close,
		Fetched: append([]string{}, f.fetched...), Kept: append([]string{}, f.kept...),
	}
}

// newest asks every node that served anything for its incrementals anew, and gives the newest that fits.
func (f *fetcher) newest(ctx context.Context, base, tip uint64) (snapshots.Served, bool) {
	var nodes []snapshots.Node
	speeds := map[string]int64{}
	for _, s := range f.found.Serving {
		nodes = append(nodes, s.Node)
	}
	for _, s := range f.found.Taken {
		speeds[s.RPC] = s.Speed
	}
	serving := f.client.Probe(ctx, nodes, f.order.Finding.Probing, func(int) {})
	for i := range serving {
		serving[i].Speed = speeds[serving[i].RPC]
	}
	snapshots.Rank(serving)
	if ctx.Err() == nil {
		f.found.Serving = serving
	}
	return snapshots.NewestFor(serving, base, tip, f.found.Wants.Formats)
}

// replace goes on with a newer incremental, and takes away the one before: it is ours, in our own folder, and the newer is
// whole and in place. Where we write into a validator's own folder what was there before us stays.
func (f *fetcher) replace(p snapshots.Pair, by snapshots.Archive) (snapshots.Pair, error) {
	was := p.Incremental
	p.Incremental = &by
	if was == nil {
		return p, nil
	}
	ours := slices.Index(f.fetched, was.Name())
	if ours < 0 {
		return p, nil
	}
	f.fetched = slices.Delete(f.fetched, ours, ours+1)
	return p, drop(filepath.Join(f.order.Into, was.Name()))
}
