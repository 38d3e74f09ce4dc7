package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"bisc/relaybin/daemon"
	"bisc/relaybin/frame"
	"bisc/relaybin/meter"
	"bisc/relaybin/pcap"
)

// recording is a path's capture, read a packet ahead.
type recording struct {
	*reader
	file *os.File
	in   *pcap.Reader
	next pcap.Packet
	done bool
	cut  error // the capture ends within a packet
}

// replay meters recordings, merged by time, and prints the report.
func (s *settings) replay(ctx context.Context, m *meter.Meter, out io.Writer) error {
	var all []*recording
	for i := range s.paths {
		r, err := openRecording(&s.paths[i])
		if err != nil {
			return daemon.Bad("path", "name a capture that tcpdump -w wrote", "%s: %w", s.paths[i].name, err)
		}
		defer r.file.Close()
		all = append(all, r)
	}
	m.Lock()
	defer m.Unlock()
	for n := 0; ; n++ {
		index, r := earliest(all)
		if r == nil {
			break
		}
		if n%10000 == 0 && ctx.Err() != nil {
			return fmt.Errorf("the recordings are not read to their end: %w", ctx.Err())
		}
		if payload := r.payload(); payload != nil {
			m.See(index, r.next.Time.UnixNano(), payload)
		}
		if err := r.advance(); err != nil {
			return fmt.Errorf("%s: %w", r.path.pcap, err)
		}
	}
	report := m.Report(1<<20, true)
	m.Finish()
	final := m.Report(1<<20, false)
	final.Tip, final.Paths = report.Tip, withLeads(report.Paths, final.Paths) // what was open when the recording ended is judged in the rest
	if s.format == "json" {
		encode := json.NewEncoder(out)
		encode.SetIndent("", " ")
		return encode.Encode(final)
	}
	printReport(out, &final)
	for _, r := range all {
		r.sayRefused(out)
	}
	return nil
}

// withLeads takes the counts that only the end tells, and who was present from before it.
func withLeads(then, final []meter.PathReport) []meter.PathReport {
	for i := range final {
		final[i].Present, final[i].Lead, final[i].Age = then[i].Present, then[i].Lead, then[i].Age
	}
	return final
}

func openRecording(p *path) (*recording, error) {
	f, err := os.Open(p.pcap)
	if err != nil {
		return nil, err
	}
	in, err := pcap.NewReader(f)
	if err == nil && in.Link != pcap.Ethernet && in.Link != pcap.Raw && in.Link != pcap.LinuxSLL && in.Link != pcap.LinuxSLL2 {
		err = fmt.Errorf("link type %d; there are Ethernet, raw IP and Linux cooked", in.Link)
	}
	r := &recording{reader: newReader(p), file: f, in: in}
	if err == nil {
		err = r.advance()
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return r, nil
}

func (r *recording) advance() error {
	err := r.in.Next(&r.next)
	switch {
	case err == io.EOF:
		r.done = true
	case errors.Is(err, io.ErrUnexpectedEOF): // the writer was killed: what was written counts
		r.done, r.cut = true, err
	case err != nil:
		return err
	}
	return nil
}

// earliest is the recording whose next packet is the oldest; nil when all are read.
func earliest(all []*recording) (int, *recording) {
	index := -1
	for i, r := range all {
		if !r.done && (index < 0 || r.next.Time.Before(all[index].next.Time)) {
			index = i
		}
	}
	if index < 0 {
		return 0, nil
	}
	return index, all[index]
}

// payload takes the shred out of the record, by the capture's link type.
func (r *recording) payload() []byte {
	data, wire := r.next.Data, r.next.Length
	kind, skip := uint16(frame.IPv4), 0
	switch r.in.Link {
	case pcap.Ethernet:
		kind, skip = typeAt(data, 12), 14
	case pcap.LinuxSLL:
		kind, skip = typeAt(data, 14), 16
	case pcap.LinuxSLL2:
		kind, skip = typeAt(data, 0), 20
	}
	if len(data) < skip {
		r.refused[frame.Truncated].Add(1)
		return nil
	}
	return r.shred(kind, data[skip:], wire-skip)
}

func typeAt(data []byte, at int) uint16 {
	if len(data) < at+2 {
		return 0
	}
	return etherType(data[at:])
}

// sayRefused says what the recording held beside the path's packets.
func (r *recording) sayRefused(out io.Writer) {
	for i := range r.refused {
		if n := r.refused[i].Load(); n > 0 {
			fmt.Fprintf(out, "%s: %d frames are not the path's: %s\n", r.path.name, n, reason(i))
		}
	}
	if r.cut != nil {
		fmt.Fprintf(out, "%s: the recording ends within a packet\n", r.path.name)
	}
}
