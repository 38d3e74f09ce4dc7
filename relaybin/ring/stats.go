package ring

import (
	"fmt"
	"sync"

	"golang.org/x/sys/unix"
)

// stats are the kernel's own counts, which it sets back to zero each time they are read.
type stats struct {
	sync.Mutex
	frames, drops uint64
}

// Stats is how many frames the filter let through since Open and how many of these were lost because the ring was full.
func (r *Ring) Stats() (frames, drops uint64, err error) {
	r.stats.Lock()
	defer r.stats.Unlock()
	now, err := unix.GetsockoptTpacketStats(r.fd, unix.SOL_PACKET, unix.PACKET_STATISTICS)
	if err != nil {
		return 0, 0, fmt.Errorf("ring: read the kernel's statistics: %w", err)
	}
	r.stats.frames += uint64(now.Packets)
	r.stats.drops += uint64(now.Drops)
	return r.stats.frames, r.stats.drops, nil
}
