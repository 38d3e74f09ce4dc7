package eos

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"bisc/internal/host"
	"bisc/modules"
)

// mirrorClass is the CPU's queue that mirrored packets wait in [V: json/curated/cpu-counters-queue-sand-excerpt.json, of another
// switch with the same family of chips; that this one has the same names is I].
const mirrorClass = "CoppSystemMirroring"

// cpuQueues is what is read of show cpu counters queue. The counters pass 2^53: they are read as numbers, not as floats.
type cpuQueues struct {
	Ingress struct {
		Sources map[string]struct {
			Classes map[string]struct {
				Ports map[string]struct {
					Enqueued *json.Number `json:"enqueuedPackets"`
					Dropped  *json.Number `json:"droppedPackets"`
				} `json:"ports"`
			} `json:"cpuClasses"`
		} `json:"sources"`
	} `json:"ingressVoqs"`
}

// queue is a counter's state at one time.
type queue struct {
	at                time.Time
	enqueued, dropped int64
}

// readQueue asks anew each time.
func readQueue(ctx context.Context, h host.Reader, class string) (queue, error) {
	const command = "show cpu counters queue"
	var said cpuQueues
	if err := host.ShowJSON(host.Anew(ctx), h, command, &said); err != nil {
		return queue{}, fmt.Errorf("the CPU's queues: %w", err)
	}
	q, found := queue{at: time.Now()}, false
	for _, port := range said.Ingress.Sources["all"].Classes[class].Ports {
		for into, n := range map[*int64]*json.Number{&q.enqueued: port.Enqueued, &q.dropped: port.Dropped} {
			if n == nil {
				return q, unknownQueue(command, class)
			}
			v, err := n.Int64()
			if err != nil {
				return q, fmt.Errorf("the CPU's queues: %q says %q of %s: %w", command, *n, class, err)
			}
			*into += v
		}
		found = true
	}
	if !found {
		return q, unknownQueue(command, class)
	}
	return q, nil
}

func unknownQueue(command, class string) error {
	return fmt.Errorf("the CPU's queues: the answer to %q has no counters of the class %s: this switch may name it otherwise. Look, and write max_drops = -1 to leave it unlooked at", command, class)
}

// drops looks twice at the queue for mirrored packets.
func (m *Monitor) drops(ctx context.Context, h host.Reader, c *modules.Change) error {
	first, err := readQueue(ctx, h, mirrorClass)
	if err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return fmt.Errorf("wait for the CPU's counters to move: %w", context.Cause(ctx))
	case <-time.After(m.Window):
	}
	second, err := readQueue(ctx, h, mirrorClass)
	if err != nil {
		return err
	}
	return m.judge(c, first, second)
}

// judge compares two looks with the limit.
func (m *Monitor) judge(c *modules.Change, first, second queue) error {
	dropped, enqueued := second.dropped-first.dropped, second.enqueued-first.enqueued
	if dropped < 0 || enqueued < 0 {
		return fmt.Errorf("the CPU's counters went back between two looks: they were cleared, or the switch was started anew")
	}
	took := max(second.at.Sub(first.at), time.Millisecond).Seconds()
	if rate := float64(dropped) / took; rate > float64(m.MaxDrops) {
		// The figures are in the reason: what is observed again before a step must read the same.
		c.Refuse("drops", "the CPU's queue drops mirrored packets", fmt.Sprintf("at most %d a second", m.MaxDrops),
			fmt.Sprintf("%.0f packets a second dropped, %.0f passed: ", rate, float64(enqueued)/took)+"the CPU's queue "+mirrorClass+" is full: narrow the list, or give it more with eos_section path = [\"policy-map type copp copp-system-policy\", \"class copp-system-mirroring\"], lines = [\"shape kbps N\"]")
	}
	return nil
}
