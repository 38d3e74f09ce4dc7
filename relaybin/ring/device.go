package ring

import (
	"errors"
	"fmt"
	"net"
	"regexp"
	"strings"

	"golang.org/x/sys/unix"
)

// Why there is no device to read.
var (
	ErrNoDevice  = errors.New("no such device")
	ErrAmbiguous = errors.New("more than one mirror device")
)

// mirrorName is how EOS calls the kernel's end of a monitor session to the CPU: it takes the next free number.
var mirrorName = regexp.MustCompile(`^mirror[0-9]+$`)

// Find returns the device of that name, or for Auto the one mirror device. The errors are ErrNoDevice and ErrAmbiguous, and
// name the devices there are.
func Find(name string) (net.Interface, error) {
	all, err := net.Interfaces()
	if err != nil {
		return net.Interface{}, fmt.Errorf("list the devices: %w", err)
	}
	var found []net.Interface
	var names, mirrors []string
	for _, link := range all {
		names = append(names, describe(link))
		if link.Name == name || name == Auto && mirrorName.MatchString(link.Name) {
			found = append(found, link)
			mirrors = append(mirrors, describe(link))
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return net.Interface{}, fmt.Errorf("%w: %s; name the one to read", ErrAmbiguous, strings.Join(mirrors, ", "))
	case name == Auto:
		return net.Interface{}, fmt.Errorf("%w: none is called mirrorN; there are %s (on EOS the name appears about 2 s after the monitor session's commit)", ErrNoDevice, strings.Join(names, ", "))
	}
	return net.Interface{}, fmt.Errorf("%w: %s; there are %s", ErrNoDevice, name, strings.Join(names, ", "))
}

// describe is a device's name, and that it is down when it is.
func describe(link net.Interface) string {
	if link.Flags&net.FlagUp == 0 {
		return link.Name + " (down)"
	}
	return link.Name
}

// State is what is known of the device.
type State int32

// The states of a device.
const (
	Gone State = iota // it is not there, or it cannot be told which is meant
	Down              // it is there and is not up
	Up
)

// String is the state in a word.
func (s State) String() string {
	switch s {
	case Up:
		return "up"
	case Down:
		return "down"
	}
	return "gone"
}

// State says how the device was when it was last looked at: at Open, and whenever nothing came for as long as a Wait.
func (r *Ring) State() State { return State(r.state.Load()) }

// Device is the name of the device that is read, or was before it vanished.
func (r *Ring) Device() string { return *r.name.Load() }

// header returns how long the link's header of a device's frames is: that of Ethernet, or none that counts.
func header(device string) (int, error) {
	request, err := unix.NewIfreq(device)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", device, err)
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, fmt.Errorf("ask what %s is: %w", device, err)
	}
	defer unix.Close(fd)
	if err := unix.IoctlIfreq(fd, unix.SIOCGIFHWADDR, request); err != nil {
		return 0, fmt.Errorf("ask what %s is: %w", device, err)
	}
	if t := request.Uint16(); t == unix.ARPHRD_ETHER || t == unix.ARPHRD_LOOPBACK {
		return 14, nil
	}
	return 0, nil
}

// bind begins to read link. A socket that reads another device, or one that has vanished, leaves it.
func (r *Ring) bind(link net.Interface) error {
	address := unix.SockaddrLinklayer{Protocol: networkOrder(unix.ETH_P_ALL), Ifindex: link.Index}
	if err := unix.Bind(r.fd, &address); err != nil {
		return fmt.Errorf("ring: read %s: %w", link.Name, err)
	}
	if r.options.Promiscuous {
		mreq := unix.PacketMreq{Ifindex: int32(link.Index), Type: unix.PACKET_MR_PROMISC}
		if err := unix.SetsockoptPacketMreq(r.fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP, &mreq); err != nil {
			return fmt.Errorf("ring: set %s promiscuous: %w", link.Name, err)
		}
	}
	r.index.Store(int32(link.Index))
	r.name.Store(&link.Name)
	r.note(link)
	return nil
}

// note keeps whether link is up.
func (r *Ring) note(link net.Interface) {
	if link.Flags&net.FlagUp == 0 {
		r.state.Store(int32(Down))
		return
	}
	r.state.Store(int32(Up))
}

// look finds the device again. A device that went down and up comes back by itself, as the kernel sees to it; one that vanished
// and returned has another index, and under Auto perhaps another name.
func (r *Ring) look() error {
	r.looked = r.clock()
	link, err := Find(r.options.Device)
	switch {
	case errors.Is(err, ErrNoDevice), errors.Is(err, ErrAmbiguous):
		r.state.Store(int32(Gone))
		return nil
	case err != nil:
		return err
	case int32(link.Index) == r.index.Load():
		r.note(link)
		return nil
	}
	length, err := header(link.Name)
	if err == nil && length != r.header {
		r.state.Store(int32(Gone)) // a device of another sort took the name; only a new ring can read it
		return nil
	}
	if err == nil {
		err = r.bind(link)
	}
	if errors.Is(err, unix.ENODEV) || errors.Is(err, unix.ENXIO) {
		r.state.Store(int32(Gone)) // it vanished in between
		return nil
	}
	return err
}

// networkOrder swaps the bytes of a protocol number; all our platforms are little endian.
func networkOrder(n uint16) uint16 { return n<<8 | n>>8 }
