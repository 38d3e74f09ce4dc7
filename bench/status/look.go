package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"bisc/internal/lab/wire"
)

// look is one look at the host, as the desk sees it.
type look struct {
	took     time.Duration
	turns    int64 // connections included: each costs one
	sent     int64 // bytes
	received int64
}

// status measures bisc status from nothing, and the looks of a watch over a connection that is there.
func (h *house) status(ctx context.Context) (string, error) {
	var cold []look
	for range h.runs {
		before, began := h.proxy.Counters(), time.Now()
		text, err := h.bisc(ctx, []int{0, 2, 3}, "status", "--json", "--limit", "60s")
		if err != nil {
			return "", err
		}
		cold = append(cold, since(before, h.proxy.Counters(), time.Since(began)))
		if _, err := read(json.NewDecoder(strings.NewReader(text))); err != nil {
			return "", err
		}
		fmt.Fprintln(os.Stderr, "cold", cold[len(cold)-1])
	}
	warm, err := h.watch(ctx)
	if err != nil {
		return "", err
	}
	var out strings.Builder
	out.WriteString("| bisc status | median | worst | asked | turns | sent | received |\n|---|---|---|---|---|---|---|\n")
	for _, row := range []struct {
		name, asked string
		looks       []look
	}{{"cold, the whole command", "3 s", cold}, {"warm, a look of a watch", "0.5 s", warm}} {
		m := median(row.looks)
		worst := slices.MaxFunc(row.looks, func(a, b look) int { return int(a.took - b.took) })
		fmt.Fprintf(&out, "| %s | **%s** | %s | %s | %d | %s | %s |\n", row.name, seconds(m.took), seconds(worst.took), row.asked, m.turns, size(m.sent), size(m.received))
	}
	fmt.Fprintf(&out, "\nCold %d runs, warm %d looks. Cold, 1 s lies between the two looks by which rates are measured.", len(cold), len(warm))
	return out.String(), nil
}

// watch takes the looks of a watch after its first, which makes the connection.
func (h *house) watch(ctx context.Context) (warm []look, err error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	cmd := h.command(ctx, "status", "--watch", "--json", "--interval", "2s", "--limit", "60s")
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	defer func() { stop(); _ = cmd.Wait() }() // what it says of its end is not of interest
	docs := json.NewDecoder(out)
	var last seen
	for before := h.proxy.Counters(); len(warm) < 3*h.runs; {
		now, err := read(docs)
		if err != nil {
			return nil, err
		}
		if len(now.Waiting) > 0 || now.LookedAt.Equal(last.LookedAt) {
			continue // a part of a look, or the same once more
		}
		counted := h.proxy.Counters()
		if !last.LookedAt.IsZero() {
			warm = append(warm, since(before, counted, time.Duration(now.Seconds*float64(time.Second))))
			fmt.Fprintln(os.Stderr, "warm", warm[len(warm)-1])
		}
		before, last = counted, now
	}
	return warm, nil
}

// seen is what matters of a document of bisc status.
type seen struct {
	Host     string
	Error    string
	Unknown  []string
	Waiting  []string
	LookedAt time.Time `json:"looked_at"`
	Seconds  float64   `json:"look_seconds"`
}

// read takes a document, of a host of which all is known: a look that leaves things out is no measure.
func read(docs *json.Decoder) (seen, error) {
	var doc struct{ Hosts []seen }
	if err := docs.Decode(&doc); err != nil {
		return seen{}, fmt.Errorf("read what bisc status tells: %w", err)
	}
	if len(doc.Hosts) == 1 && doc.Hosts[0].Error == "no answer yet" {
		return read(docs)
	}
	if len(doc.Hosts) != 1 || doc.Hosts[0].Error != "" || len(doc.Hosts[0].Unknown) > 0 {
		return seen{}, fmt.Errorf("not all is known: %+v", doc.Hosts)
	}
	return doc.Hosts[0], nil
}

func since(before, now wire.Counters, took time.Duration) look {
	return look{took, now.Turns - before.Turns + now.Connections - before.Connections, now.Up - before.Up, now.Down - before.Down}
}

// median of each number by itself.
func median(looks []look) look {
	return look{time.Duration(middle(looks, func(l look) int64 { return int64(l.took) })), middle(looks, func(l look) int64 { return l.turns }),
		middle(looks, func(l look) int64 { return l.sent }), middle(looks, func(l look) int64 { return l.received })}
}

func middle[T any](looks []T, of func(T) int64) int64 {
	all := make([]int64, len(looks))
	for i, l := range looks {
		all[i] = of(l)
	}
	slices.Sort(all)
	return all[len(all)/2]
}

// String is for who watches the benchmark.
func (l look) String() string {
	return fmt.Sprintf("%8s %4d turns %s %s", seconds(l.took), l.turns, size(l.sent), size(l.received))
}

func seconds(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.2f s", d.Seconds())
}

func size(n int64) string { return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10)) }
