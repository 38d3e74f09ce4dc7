package supervise

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sys/unix"

	"bisc/internal/lab/rootfs"
	"bisc/internal/lab/spec"
)

// guest is one host: its files, which last as long as the lab, and the boot that is running, if one is.
type guest struct {
	*inner
	spec.Host
	number int        // its port on the switch
	addr   netip.Addr // on the switch
	dir    string     // its files; see newGuest
	keys   []string
	door   net.Listener // the port on the machine's loopback
	groups []string
	broker *broker

	boots  int
	power  chan struct{} // wakes a host that is down
	mu     sync.Mutex
	nspawn int // the running boot's nspawn, 0 when there is none
}

// newGuest makes a host's files:
//
//	layer/     what the lab puts over the root file system
//	disk/      a tmpfs of the size asked for: upper/ and work/ of the overlay, docker/ and containerd/
//	zfs/       what stand-in volumes are kept in; not on disk/, so that a full disk is not a full pool
//	root/      where all is put together
//	console    what PID 1 says
func newGuest(in *inner, h spec.Host, number int, all []spec.Host) (*guest, error) {
	g := &guest{inner: in, Host: h, number: number, addr: addrOf(number), dir: filepath.Join(in.record.hosts(), h.Name), power: make(chan struct{}, 1)}
	for _, name := range []string{"layer", "disk", "zfs", "root"} {
		if err := os.MkdirAll(filepath.Join(g.dir, name), 0o755); err != nil {
			return nil, err
		}
	}
	if err := g.fill(all); err != nil {
		return nil, err
	}
	if err := g.overlay(); err != nil {
		return nil, err
	}
	g.broker = newBroker(in.zrams, filepath.Join(g.dir, "zfs"))
	var err error
	if g.groups, err = makeCgroups(in.record.id(), h.Name); err != nil {
		return nil, err
	}
	if g.door, err = listen(h.Port); err != nil {
		return nil, err
	}
	go forward(g.door, in.netns, netip.AddrPortFrom(g.addr, 22))
	return g, nil
}

// addrOf is the address of the host at a port of the switch; the first is 10.99.1.1.
func addrOf(number int) netip.Addr {
	return netip.AddrFrom4([4]byte{10, 99, byte(1 + number/200), byte(1 + number%200)})
}

func (g *guest) fill(all []spec.Host) (err error) {
	l := layer{filepath.Join(g.dir, "layer"), rootfs.Dir()}
	hosts := ""
	for i, other := range all {
		if other.Name != g.Name {
			hosts += fmt.Sprintf("%s %s\n", addrOf(i), other.Name)
		}
	}
	if err := l.names(g.Name, hosts); err != nil {
		return err
	}
	if g.keys, err = l.hostKeys(g.Name); err != nil {
		return err
	}
	if err := l.standins(g.standin(), g.Pools); err != nil {
		return err
	}
	if g.Docker {
		return l.docker()
	}
	return nil
}

// overlay puts the host's root together.
func (g *guest) overlay() error {
	disk, size := filepath.Join(g.dir, "disk"), g.Disk
	if size == "" {
		size = "4g"
	}
	if err := unix.Mount("bisc-lab", disk, "tmpfs", 0, "mode=755,size="+size); err != nil {
		return fmt.Errorf("mount the disk: %w", err)
	}
	for _, name := range []string{"upper", "work", "docker", "containerd"} {
		if err := os.Mkdir(filepath.Join(disk, name), 0o755); err != nil {
			return err
		}
	}
	options := fmt.Sprintf("lowerdir=%s/layer:%s,upperdir=%s/upper,workdir=%s/work", g.dir, rootfs.Dir(), disk, disk)
	if err := unix.Mount("bisc-lab", filepath.Join(g.dir, "root"), "overlay", 0, options); err != nil {
		return fmt.Errorf("mount the root file system: %w", err)
	}
	return nil
}
