package device

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"bisc/internal/lab/eos/device/config"
)

// Device is one switch. All its methods may be called from anywhere; one lock guards all its state, as Sysdb does on a switch.
type Device struct {
	mu         sync.Mutex
	o          Options
	faults     Faults
	grammar    *config.Grammar
	running    *config.Tree
	sessions   []*session
	timer      *timer
	lock       *lock
	unnamed    int
	booted     time.Time
	reloads    []reload
	messages   []message
	log        []string // every line that any Shell was given, as "user@tty: line"
	shells     int
	instances  int
	extensions map[string]*extension
	contexts   map[*Shell]bool
	applied    string
	bootErrors []error
}

// message is a line of the log.
type message struct {
	at   time.Time
	text string
}

// reload is a boot and why.
type reload struct {
	at  time.Time
	why string
}

// New boots a switch from o.Startup.
func New(o Options) *Device {
	d := &Device{o: o.withDefaults(), contexts: map[*Shell]bool{}}
	d.grammar = config.NewGrammar(d.o.Ports, config.Flags{ReplaceACLLine: o.Flags.ReplaceACLLine})
	if o.Startup != "" {
		if err := d.o.Files.WriteFile(startupName, []byte(o.Startup)); err != nil {
			d.bootErrors = append(d.bootErrors, err)
		}
	}
	d.boot("Reload requested by the user.")
	return d
}

// boot starts from startup-config: what a switch has in RAM is gone (eos.md D.1).
func (d *Device) boot(why string) {
	d.booted = d.o.Now()
	d.reloads = append(d.reloads, reload{d.booted, why})
	d.sessions, d.timer, d.lock, d.messages = nil, nil, nil, nil
	text, err := d.startup()
	d.running, d.bootErrors = d.grammar.Parse(text)
	if err != nil {
		d.bootErrors = append(d.bootErrors, err)
	}
	for _, err := range d.bootErrors {
		d.syslog("ConfigAgent", "SYS-3-CONFIG_STARTUP_ERROR", "%v", err)
	}
	d.bootExtend()
	d.applied = ""
	d.changed()
}

// BootErrors are the lines of startup-config that the last boot refused.
func (d *Device) BootErrors() []error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]error(nil), d.bootErrors...)
}

// Reload takes the switch down and boots it: every shell is closed, sessions, timers and the lock are lost, startup-config is
// what runs ([I] for the timer, eos.md B.1).
func (d *Device) Reload() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.reload("Reload requested by the user.")
}

func (d *Device) reload(why string) {
	for s := range d.contexts {
		s.closed = true
	}
	clear(d.contexts)
	d.o.Plane.Reload()
	d.boot(why)
}

// replace puts another configuration in force.
func (d *Device) replace(t *config.Tree) {
	d.running = t
	d.changed()
}

// changed tells the plane of a new form of the running configuration.
func (d *Device) changed() {
	text := d.running.String()
	if text == d.applied {
		return
	}
	d.applied = text
	d.o.Plane.Apply(d.view())
}

func (d *Device) hostname() string {
	for _, n := range d.running.Top() {
		if name, is := strings.CutPrefix(n.Line, "hostname "); is {
			return name
		}
	}
	return d.o.Hostname
}

// Running gives the text of running-config, as "show running-config" does; a test looks behind the switch's back with it.
func (d *Device) Running() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tick()
	return d.document("show running-config", d.running)
}

// Startup gives the text of startup-config.
func (d *Device) Startup() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	text, err := d.startup()
	if err != nil {
		return err.Error()
	}
	return text
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
	if o.Files == nil {
		o.Files = memory{}
	}
	if o.Plane == nil {
		o.Plane = NewModel(o.Now)
	}
	if o.Ports == nil {
		o.Ports = standardPorts()
	}
	return o
}

// SetFaults changes the faults.
func (d *Device) SetFaults(change func(*Faults)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	before := d.faults.Unprogrammed
	change(&d.faults)
	if d.faults.Unprogrammed != before {
		d.o.Plane.Apply(d.view())
	}
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

func (d *Device) tick() { d.expire() }

// standardPorts are those of a DCS-7280CR3A-32S with its first cage broken out (configs/real-7280CR3A-4.34.0F; it has no
// Ethernet2 then).
func standardPorts() []string {
	ports := []string{"Management1"}
	for i := range 4 {
		ports = append(ports, fmt.Sprintf("Ethernet1/%d", i+1))
	}
	for i := 3; i <= 32; i++ {
		ports = append(ports, fmt.Sprintf("Ethernet%d/1", i))
	}
	return ports
}
