package main

import (
	"bytes"
	"fmt"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"bisc/relaybin/lab"
	"bisc/relaybin/stream"
)

// BenchmarkProcess is the whole daemon in its namespace: processor time a packet at a steady rate, with the mirror's packets
// coming as large ones (as its UDP_SEGMENT leaves them on veth) or one by one. Run it with -benchtime 1x.
func BenchmarkProcess(b *testing.B) {
	for _, rate := range []int{7_500, 75_000, 150_000} {
		for _, large := range []bool{true, false} {
			for _, gro := range []string{"true", "false"} {
				b.Run(fmt.Sprintf("%d/large=%v/gro=%s", rate, large, gro), func(b *testing.B) {
					for b.Loop() {
						measure(b, rate, large, gro)
					}
				})
			}
		}
	}
}

func measure(b *testing.B, rate int, large bool, gro string) {
	n := lab.ForTest(b)
	sink, err := n.Host.NewSink(lab.TVU, 0)
	if err != nil {
		b.Fatal(err)
	}
	defer sink.Close()
	p := ready(b, n, "--to", lab.TVU.String(), "--gro="+gro)
	fd := from(b, n, lab.SwitchAddr, onSequenced)
	const size = stream.Size + 1228
	burst := rate / 1000
	if burst == 0 {
		burst = 1
	}
	message := bytes.Repeat(inSequence(1, 0, shredOf(0)), min(burst, 50))
	if large {
		enable(b, fd, size)
	}
	before, err := lab.UsageOf(p.Process.Pid)
	if err != nil {
		b.Fatal(err)
	}
	start, number := time.Now(), uint64(0)
	for time.Since(start) < 3*time.Second {
		for due := uint64(time.Since(start).Seconds() * float64(rate)); number < due; {
			k := min(len(message)/size, int(due-number))
			for i := range k {
				stream.Header{Stream: 1, Sequence: number, Time: time.Now().UnixNano()}.Encode(message[i*size:])
				number++
			}
			if large {
				unix.Write(fd, message[:k*size])
				continue
			}
			for i := range k {
				unix.Write(fd, message[i*size:(i+1)*size])
			}
		}
		time.Sleep(200 * time.Microsecond)
	}
	got, err := sink.Quiet(b.Context(), time.Second)
	if err != nil {
		b.Fatal(err)
	}
	after, err := lab.UsageOf(p.Process.Pid)
	if err != nil {
		b.Fatal(err)
	}
	used := after.Since(before)
	b.ReportMetric(float64(used.CPU.Nanoseconds())/float64(number), "cpu-ns/packet")
	b.ReportMetric(float64(after.Peak)/(1<<20), "peak-MiB")
	b.ReportMetric(0, "ns/op")
	overflow, _ := strconv.ParseFloat(p.metric("shredunwrap_kernel_drops_total"), 64)
	b.ReportMetric(overflow, "overflow")                // in the daemon's buffer
	b.ReportMetric(float64(number-got.Packets), "lost") // anywhere, the sender's own backlog too
	p.stop()
}
