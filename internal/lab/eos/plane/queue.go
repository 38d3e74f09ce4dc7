package plane

import (
	"strings"
	"sync"
	"time"

	"bisc/internal/lab/eos/device"
)

// mirrorClass is the class of mirrored packets. (json/curated/cpu-counters-queue-sand-excerpt.json)
const mirrorClass = "CoppSystemMirroring"

// queue is a queue of the switch's processor, with its shape. A device's queue counts what passed and what was dropped.
type queue struct {
	mu     sync.Mutex
	count  device.Queue
	kbps   int // 0: any number. [U] what mirroring has on this chip
	tokens float64
	filled time.Time
}

// burst is what a shaped queue lets pass at once, in bytes. [U] on EOS.
const burst = 32 << 10

// admit tells whether a packet may pass, and counts it as dropped if not.
func (q *queue) admit(bytes int) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.kbps <= 0 {
		return true
	}
	now := time.Now()
	q.tokens = min(burst, q.tokens+now.Sub(q.filled).Seconds()*float64(q.kbps)*1000/8)
	q.filled = now
	if q.tokens < float64(bytes) {
		q.count.DroppedPackets++
		q.count.DroppedBytes += uint64(bytes)
		return false
	}
	q.tokens -= float64(bytes)
	return true
}

func (q *queue) pass(bytes int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.count.EnqueuedPackets++
	q.count.EnqueuedBytes += uint64(bytes)
}

func (q *queue) drop(bytes int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.count.DroppedPackets++
	q.count.DroppedBytes += uint64(bytes)
}

func (q *queue) shape(kbps int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.kbps != kbps {
		q.kbps, q.tokens, q.filled = kbps, burst, time.Now()
	}
}

func (q *queue) read() device.Queue {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.count
}

// queueName makes the counters' name of a class's name in the configuration: CoppSystemMirroring of copp-system-mirroring. [I]
func queueName(class string) string {
	var out strings.Builder
	for part := range strings.SplitSeq(class, "-") {
		if part != "" {
			out.WriteString(strings.ToUpper(part[:1]) + part[1:])
		}
	}
	return out.String()
}
