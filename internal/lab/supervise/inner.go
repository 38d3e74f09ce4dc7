package supervise

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"bisc/internal/lab/rootfs"
	"bisc/internal/lab/spec"
)

// inner is the process that runs the hosts: PID 1 of the lab's PID namespace.
type inner struct {
	record  record
	self    int   // this process, as the machine counts
	netns   netns // the switch: a bridge that every host is plugged in to
	guests  map[string]*guest
	zrams   *zrams
	printed sync.Mutex
	out     *json.Encoder
}

// Inner runs the hosts until stdin ends. args are what Run gave: the record's id and the lab as JSON.
func Inner(args []string, stdin io.Reader, stdout io.Writer) error {
	if len(args) != 2 || os.Getpid() != 1 {
		return fmt.Errorf("%s is started by bisc-lab itself", InnerVerb)
	}
	var lab spec.Lab
	if err := json.Unmarshal([]byte(args[1]), &lab); err != nil {
		return fmt.Errorf("decode the lab: %w", err)
	}
	record := openRecord(args[0])
	in := &inner{record: record, zrams: &zrams{record: record}, guests: map[string]*guest{}, out: json.NewEncoder(stdout)}
	if err := in.mounts(); err != nil {
		return err
	}
	var err error
	if in.netns, err = newSwitch(); err != nil {
		return err
	}
	if err := copySelf(in.standin()); err != nil {
		return err
	}
	for i, h := range lab.Hosts {
		g, err := newGuest(in, h, i, lab.Hosts)
		if err != nil {
			return fmt.Errorf("make host %s: %w", h.Name, err)
		}
		in.guests[h.Name] = g
	}
	failed := make(chan error)
	for _, g := range in.guests {
		go func() { failed <- g.run() }()
	}
	go func() { failed <- in.obey(stdin) }()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, unix.SIGTERM)
	defer thaw()
	select {
	case err := <-failed:
		return err
	case <-stop:
		return nil
	}
}

// mounts makes what all hosts of the lab need, in this process' own mount namespace.
func (in *inner) mounts() error {
	if rootfs.Dir() == "" {
		return fmt.Errorf("there is no root file system for hosts; run bisc-lab setup")
	}
	// Slave: what the machine unmounts goes here too, and nothing that is mounted here is seen outside.
	if err := unix.Mount("", "/", "", unix.MS_SLAVE|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("part from the machine's mounts: %w", err)
	}
	for _, m := range []struct {
		source, target, fstype string
		flags                  uintptr
		data                   string
	}{
		{"/proc", in.record.proc(), "", unix.MS_BIND, ""}, // the machine's, to learn how it numbers our processes
		{"proc", "/proc", "proc", 0, ""},
		{"bisc-lab", in.record.hosts(), "tmpfs", 0, "mode=755,size=90%"},
		// nspawn refuses to make its sockets on a disk.
		{"bisc-lab", "/run/systemd/nspawn", "tmpfs", 0, "mode=755,size=16m"},
	} {
		if err := unix.Mount(m.source, m.target, m.fstype, m.flags, m.data); err != nil {
			return fmt.Errorf("mount %s: %w", m.target, err)
		}
	}
	self, err := os.Readlink(in.record.proc() + "/self")
	if err != nil {
		return fmt.Errorf("learn the machine's name for this process: %w", err)
	}
	in.self, err = strconv.Atoi(self)
	return err
}

// standin is the program that the hosts' stand-ins are. Its name is no host's.
func (in *inner) standin() string { return filepath.Join(in.record.hosts(), ".standin") }

// obey does what standard input says until it ends: the parent is gone, or wants the lab gone.
func (in *inner) obey(stdin io.Reader) error {
	lines := bufio.NewScanner(stdin)
	for lines.Scan() {
		verb, name, _ := strings.Cut(lines.Text(), " ")
		g := in.guests[name]
		if g == nil {
			return fmt.Errorf("%s: no host %q", verb, name)
		}
		switch verb {
		case spec.Kill:
			g.kill()
		case spec.Start:
			g.start()
		default:
			return fmt.Errorf("unknown command %q", verb)
		}
	}
	return lines.Err()
}

func (in *inner) tell(e spec.Event) {
	in.printed.Lock()
	defer in.printed.Unlock()
	in.out.Encode(e) // a reader that is gone also ends stdin, and that ends us
}
