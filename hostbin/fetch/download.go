package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"bisc/hostbin/snapshots"
)

var (
	errSlow  = errors.New("it has become so slow that another source would be done sooner from its first byte on")
	errStall = errors.New("it brings nothing any more")
)

// download brings an archive into the folder, whole and checked, from the first of the URLs that delivers it. Failures count
// against the order's attempts.
func (f *fetcher) download(ctx context.Context, a snapshots.Archive, urls []string) error {
	var last error
	for i := 0; f.failed < f.order.Attempts && len(urls) > 0; i++ {
		if i >= len(urls) && i >= 2 { // each source once, a lone one twice
			break
		}
		offers := f.offers(ctx, rotate(urls, i%len(urls)))
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if len(offers) == 0 {
			last = errors.Join(fmt.Errorf("%s: no source of it answers any more", a.Name()))
			f.failed++
			break
		}
		err := f.bring(ctx, a, offers)
		if err == nil {
			f.fetched = append(f.fetched, a.Name())
			return nil
		}
		if ctx.Err() != nil || errors.Is(err, errHere) {
			return err
		}
		f.failed++
		last = err
		f.say.Note("%v", err)
	}
	if last == nil {
		last = fmt.Errorf("%s: %d downloads failed: given up", a.Name(), f.failed)
	}
	return last
}

// errHere is a fault of this host: another source does not help.
var errHere = errors.New("on this host")

func rotate(urls []string, by int) []string {
	return append(append([]string(nil), urls[by:]...), urls[:by]...)
}

// offers asks the sources for the file, and gives those that have one of the first one's length.
func (f *fetcher) offers(ctx context.Context, urls []string) []offer {
	var out []offer
	for _, url := range urls[:min(len(urls), 8)] {
		o, err := ask(ctx, f.client, url)
		if err != nil {
			f.say.Note("%v", err)
			continue
		}
		if len(out) > 0 && o.Length != out[0].Length {
			f.say.Note("%s says that the file has %d bytes, %s that it has %d: not used beside it", o.URL, o.Length, out[0].URL, out[0].Length)
			continue
		}
		out = append(out, o)
	}
	return out
}

// bring downloads to a partial name, checks, and gives the file its name.
func (f *fetcher) bring(ctx context.Context, a snapshots.Archive, offers []offer) error {
	if err := f.room(offers[0].Length); err != nil {
		return err
	}
	part := filepath.Join(f.order.Into, snapshots.Partial(a.Name()))
	var ranged []offer
	for _, o := range offers {
		if o.Ranges {
			ranged = append(ranged, o)
		}
	}
	var err error
	if f.order.Aria != "" && len(ranged) > 1 {
		if err = f.byAria(ctx, a, part, ranged); err != nil {
			f.order.Aria = "" // pieces of several sources did not make the file: what follows comes from one
		}
	} else {
		err = f.byOne(ctx, a, part, offers[0])
	}
	if err != nil {
		return fmt.Errorf("%s from %s: %w", a.Name(), offers[0].URL, err)
	}
	name := filepath.Join(f.order.Into, a.Name())
	if err := settle(part, name); err != nil {
		return fmt.Errorf("%w: %w", errHere, err)
	}
	return drop(part+".json", name+".aria2") // of somebody's download that was not finished: it would make ours look like one
}

// byOne downloads over one connection, checking what has come while the rest comes.
func (f *fetcher) byOne(ctx context.Context, a snapshots.Archive, part string, o offer) error {
	done, err := begun(part, o)
	if err != nil {
		return fmt.Errorf("%w: %w", errHere, err)
	}
	if err := o.note(part); err != nil {
		return fmt.Errorf("%w: %w", errHere, err)
	}
	file, err := os.OpenFile(part, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return fmt.Errorf("%w: %w", errHere, err)
	}
	defer file.Close()
	if done > 0 {
		f.say.Note("%s: going on after %s, which are there already", a.Name(), snapshots.Bytes(done))
	}
	f.say.Doing("downloading", a.Name(), done, max(o.Length, 0))
	follow := newFollower(file, done)
	checked := make(chan error, 1)
	go func() { checked <- Verify(follow, a) }()
	got, err := f.stream(ctx, file, o, done, follow)
	if err == nil && o.Length >= 0 && done+got != o.Length {
		err = fmt.Errorf("it sent %d bytes of %d", done+got, o.Length)
	}
	follow.end(err)
	if err == nil {
		f.say.Doing("checking", a.Name(), 0, 0)
	}
	bad := <-checked
	if err != nil {
		if !o.Ranges {
			err = errors.Join(err, drop(part, part+".json")) // nobody could go on with it
		}
		return err
	}
	if bad != nil {
		return errors.Join(bad, drop(part, part+".json"))
	}
	return nil
}

// stream appends what comes to the file. It ends when nothing comes for the order's Stall, and when going on would take longer
// than another source from its first byte on.
func (f *fetcher) stream(ctx context.Context, file *os.File, o offer, done int64, follow *follower) (int64, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	header := http.Header{}
	if done > 0 {
		if done == o.Length {
			return 0, nil
		}
		header.Set("Range", fmt.Sprintf("bytes=%d-", done))
	}
	body, resp, err := f.client.Get(ctx, o.URL, header)
	if err != nil {
		return 0, err
	}
	defer body.Close()
	if from, whole, ok := contentRange(resp.Header.Get("Content-Range")); done > 0 && (!ok || from != done || whole != o.Length) {
		return 0, fmt.Errorf("asked for the rest it sent %q", resp.Header.Get("Content-Range"))
	}
	if done == 0 && resp.ContentLength != o.Length {
		return 0, fmt.Errorf("it said that the file has %d bytes, and says now that it has %d", o.Length, resp.ContentLength)
	}
	stall := time.AfterFunc(f.order.Stall, func() { cancel(fmt.Errorf("%w: no byte in %s", errStall, f.order.Stall)) })
	defer stall.Stop()
	buf := make([]byte, chunk)
	for got := int64(0); ; {
		n, err := body.Read(buf)
		if n > 0 {
			stall.Reset(f.order.Stall)
			if _, werr := file.WriteAt(buf[:n], done+got); werr != nil {
				return got, fmt.Errorf("%w: %w", errHere, werr)
			}
			got += int64(n)
			follow.wrote(n)
			f.say.At(done + got)
		}
		switch {
		case errors.Is(err, io.EOF):
			return got, nil
		case err != nil && ctx.Err() != nil:
			return got, context.Cause(ctx)
		case err != nil:
			return got, fmt.Errorf("it broke off after %s: %w", snapshots.Bytes(done+got), err)
		case f.better(o, done+got):
			return got, errSlow
		}
	}
}

// better tells whether another source, at the speed that was measured of it, would bring the whole file sooner than this one
// at its rate of late brings the rest.
func (f *fetcher) better(o offer, done int64) bool {
	rate, known := f.say.Over(f.order.Window)
	if !known || o.Length <= 0 || f.next <= 0 || f.failed+1 >= f.order.Attempts {
		return false
	}
	return float64(o.Length-done)/max(float64(rate), 1) > 1.2*float64(o.Length)/float64(f.next)
}

// room wants space for what comes, for the incremental after it, and for the reserve.
func (f *fetcher) room(length int64) error {
	left, err := free(f.order.Into)
	if err != nil {
		return fmt.Errorf("%w: %w", errHere, err)
	}
	need := max(length, 0) + f.later + f.order.Reserve
	if left < need {
		return fmt.Errorf("%w: %s has %s free: the file takes %s, what follows it %s, and %s are kept free: %s lack", errHere, f.order.Into, snapshots.Bytes(left),
			snapshots.Bytes(length), snapshots.Bytes(f.later), snapshots.Bytes(f.order.Reserve), snapshots.Bytes(need-left))
	}
	return nil
}

func isHere(err error) bool { return errors.Is(err, errHere) }
