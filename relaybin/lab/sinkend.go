package lab

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// Now is what has come so far.
func (k *Sink) Now() Received {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.copied()
}

func (k *Sink) copied() Received {
	got := k.got
	got.Paths = maps.Clone(k.got.Paths)
	got.Payloads = slices.Clone(k.got.Payloads)
	return got
}

// Wait returns what has come as soon as enough says so of it; and with an error that names what was waited for when
// nothing has come for the time quiet, or the context ended.
func (k *Sink) Wait(ctx context.Context, what string, quiet time.Duration, enough func(Received) bool) (Received, error) {
	wake := func() { k.mu.Lock(); k.arrived.Broadcast(); k.mu.Unlock() }
	defer context.AfterFunc(ctx, wake)()
	k.mu.Lock()
	defer k.mu.Unlock()
	for since := time.Now(); ; {
		if enough(k.got) {
			return k.copied(), nil
		}
		if err := ctx.Err(); err != nil {
			return k.copied(), fmt.Errorf("wait for %s: %w", what, context.Cause(ctx))
		}
		if k.last.After(since) {
			since = k.last
		}
		left := quiet - time.Since(since)
		if left <= 0 {
			return k.copied(), fmt.Errorf("wait for %s: nothing came for %s; so far %d packets, %d unique, %d duplicate, %d bad",
				what, quiet, k.got.Packets, k.got.Unique, k.got.Duplicate, k.got.Bad)
		}
		timer := time.AfterFunc(left, wake)
		k.arrived.Wait()
		timer.Stop()
	}
}

// Unique is for Wait: that many unique shreds.
func Unique(n uint64) func(Received) bool { return func(r Received) bool { return r.Unique >= n } }

// Quiet returns what has come when nothing more has for the given time: what was lost will not come any more.
func (k *Sink) Quiet(ctx context.Context, quiet time.Duration) (Received, error) {
	got, err := k.Wait(ctx, "quiet", quiet, func(Received) bool { return false })
	if ctx.Err() != nil {
		return got, err
	}
	return got, nil // that nothing came any more is what was waited for
}

// Forget begins to count anew: what has come is taken as never sent.
func (k *Sink) Forget() {
	dropped := k.dropped()
	k.mu.Lock()
	defer k.mu.Unlock()
	k.got = Received{Paths: map[uint32]uint64{}}
	clear(k.seen)
	k.highest, k.before = 0, dropped
}

// Missing lists the sequence numbers from first up to end that have not come, at most limit of them.
func (k *Sink) Missing(first, end uint64, limit int) []uint64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	var missing []uint64
	for n := first; n < end && len(missing) < limit; n++ {
		if word := n / 64; word >= uint64(len(k.seen)) || k.seen[word]&(1<<(n%64)) == 0 {
			missing = append(missing, n)
		}
	}
	return missing
}

// dropped is what the kernel has dropped at the socket: the ninth number of SO_MEMINFO.
func (k *Sink) dropped() uint64 {
	const drops = 8
	info, err := unix.GetsockoptString(k.socket, unix.SOL_SOCKET, unix.SO_MEMINFO)
	if err != nil || len(info) < 4*(drops+1) {
		return 0
	}
	var n uint64
	for i := range 4 {
		n |= uint64(info[4*drops+i]) << (8 * i)
	}
	return n
}

// Close ends the sink and returns what has come. A second call returns the same.
func (k *Sink) Close() Received {
	k.once.Do(func() {
		close(k.stop)
		<-k.ended // within the receive limit; a shutdown would not be faster: it gives a UDP reader empty packets
		dropped := k.dropped()
		unix.Close(k.socket)
		k.mu.Lock()
		k.got.Dropped = dropped - k.before
		k.mu.Unlock()
	})
	return k.Now()
}
