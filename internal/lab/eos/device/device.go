package device

import (
	"sync"
	"time"
)

// Device is one switch. All its methods may be called from anywhere; one lock guards all its state, as Sysdb does on a switch.
type Device struct {
	mu     sync.Mutex
	o      Options
	faults Faults
	booted time.Time
	log    []string // every line that any Shell was given, as "user@tty: line"
	shells int
}

// New boots a switch from o.Startup.
func New(o Options) *Device {
	d := &Device{o: o.withDefaults()}
	d.booted = d.o.Now()
	return d
}

func (o Options) withDefaults() Options {
	set := func(s *string, value string) {
		if *s == "" {
			*s = value
		}
	}
	set(&o.Hostname, "localhost")
	set(&o.Model, "DCS-7280CR3A-32S")
	set(&o.Version, "4.34.0F")
	set(&o.Image, "flash:/EOS-"+o.Version+"-x86_64.swi")
	set(&o.Serial, "JPA0000000001")
	set(&o.MAC, "fc:bd:67:00:00:01")
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// SetFaults changes the faults.
func (d *Device) SetFaults(change func(*Faults)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change(&d.faults)
}

// Log gives every line that any shell was given so far, oldest first, as "user@tty: line"; what was typed as a password is not in it.
func (d *Device) Log() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]string(nil), d.log...)
}

// Tick lets what is due by the clock happen: commit timers, the end of old sessions. Whoever drives a real clock calls it ten
// times a second; every command calls it too.
func (d *Device) Tick() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tick()
}

func (d *Device) tick() {}
