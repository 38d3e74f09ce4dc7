package front

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"time"
)

// Faults is what is wrong with the wire. The zero value is nothing.
type Faults struct {
	// Latency is what each command takes more (20 to 80 ms on real boxes, eos.md F.1.10); LatencyMax above it: as much again, up to
	// that, by turns.
	Latency, LatencyMax time.Duration
	// RTT is the network's round trip, half of it each way.
	RTT time.Duration
	// Rate is how many bytes a second reach the client; 0 is no limit.
	Rate int64
	// CutAfter resets each connection once so many bytes of it have reached the client: encrypted bytes. 0 is never.
	CutAfter int64

	// Echo is who shows what is typed. "" or "always": the CLI's editor, when it reads it, whatever the terminal was asked for [I].
	// "asked": if the client asked its terminal for echo, the editor, as GNU readline has it, and the terminal itself while no editor
	// reads, in the middle of what is printed, so that it is seen twice (netmiko's "duplicate the command echo if they fall behind"
	// [V]); without, nobody. Whether EOS is so is [U]. "twice": as if echo had been asked for.
	Echo string
	// Banner is shown after the login, before the first prompt.
	Banner string
	// Chassis, such as "(s1)", stands in each prompt after the host's name: a redundant system [V].
	Chassis string
	// Paging pages although the length was set to 0.
	Paging bool
	// Noise is shown before the answer to each command, as a log message on the terminal is.
	Noise string

	// HTTP is what eAPI's server answers in place of CapiApp: 401, 502; 0 is nothing. HTML answers 200 with a page.
	HTTP int
	HTML bool
	// DataStrings: the elements of an eAPI error's data are strings that hold JSON [V].
	DataStrings bool

	Trips []Trip
}

// Moment is when something happens, in the life of a command.
type Moment string

// The moments of a command.
const (
	Unheard    Moment = "unheard"    // the device never gets it
	Unanswered Moment = "unanswered" // the device has done it; nothing of the answer comes
	Amid       Moment = "amid"       // Bytes bytes of the answer have come
	Answered   Moment = "answered"   // the answer has come, the prompt after it too
)

// What a Trip does.
const (
	Cut   = "cut"   // the connection is reset
	Stall = "stall" // nothing comes any more, until Release, ^C, or the connection's end
	Quit  = "quit"  // the session is closed in good order; the connection stays
)

// Trip is one thing that happens at a command.
type Trip struct {
	Match string // a regular expression on the line as received
	Skip  int    // matching lines that pass first
	Times int    // how often it happens: 0 is once, -1 always
	Do    string
	When  Moment
	Bytes int // for Amid
}

// trip is a Trip with what it has seen.
type trip struct {
	Trip
	match *regexp.Regexp
	seen  int
}

// Faults gives what is wrong with the wire.
func (f *Front) Faults() Faults {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.faults
}

// SetFaults puts other faults in the place of all that are set; what is stalled goes on. It fails on a Trip that cannot be understood.
func (f *Front) SetFaults(faults Faults) error {
	trips := make([]*trip, 0, len(faults.Trips))
	for _, t := range faults.Trips {
		match, err := regexp.Compile(t.Match)
		if err != nil {
			return fmt.Errorf("a fault at %q: %w", t.Match, err)
		}
		if t.Do != Cut && t.Do != Stall && t.Do != Quit {
			return fmt.Errorf("a fault at %q: do what? %q", t.Match, t.Do)
		}
		switch t.When {
		case Unheard, Unanswered, Amid, Answered:
		default:
			return fmt.Errorf("a fault at %q: when? %q", t.Match, t.When)
		}
		trips = append(trips, &trip{Trip: t, match: match})
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults, f.trips = faults, trips
	f.release()
	return nil
}

// Release lets go what is stalled.
func (f *Front) Release() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.release()
}

func (f *Front) release() {
	close(f.released)
	f.released = make(chan struct{})
}

// CutAll resets every connection that stands.
func (f *Front) CutAll() {
	f.mu.Lock()
	links := slices.Collect(maps.Keys(f.links))
	f.mu.Unlock()
	for _, l := range links {
		l.reset()
	}
}

// tripped gives the trip whose time a line is, nil for none.
func (f *Front) tripped(line string) *Trip {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, t := range f.trips {
		if !t.match.MatchString(line) {
			continue
		}
		t.seen++
		after := t.seen - t.Skip
		if after > 0 && (t.Times < 0 || after <= max(t.Times, 1)) {
			return &t.Trip
		}
	}
	return nil
}
