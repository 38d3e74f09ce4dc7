package supervise

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"bisc/internal/lab/spec"
)

// loop is a loop device on a sparse file. The kernel detaches it when nobody has it open any more (autoclear): the open
// file here keeps it while the lab lives, and nothing has to be swept when the lab is killed.
type loop struct {
	file, device *os.File
	major, minor uint32
}

func newLoop(path string, size int64) (*loop, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("make a volume: %w", err)
	}
	if err := file.Truncate(size); err != nil {
		return nil, fmt.Errorf("make a volume: %w", err)
	}
	device, err := attach(file)
	if err != nil {
		file.Close()
		os.Remove(path)
		return nil, fmt.Errorf("make a volume: %w", err)
	}
	l := &loop{file: file, device: device}
	var st unix.Stat_t
	if err := unix.Fstat(int(device.Fd()), &st); err != nil {
		return nil, fmt.Errorf("make a volume: %w", err)
	}
	l.major, l.minor = unix.Major(st.Rdev), unix.Minor(st.Rdev)
	return l, nil
}

// attach finds a free loop device. Others on the machine look for one too: what was free may be taken by the time it
// is configured.
func attach(file *os.File) (*os.File, error) {
	control, err := os.OpenFile("/dev/loop-control", os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer control.Close()
	for range 64 {
		n, err := unix.IoctlRetInt(int(control.Fd()), unix.LOOP_CTL_GET_FREE)
		if err != nil {
			return nil, fmt.Errorf("find a free loop device: %w", err)
		}
		device, err := os.OpenFile(fmt.Sprintf("/dev/loop%d", n), os.O_RDWR, 0)
		if err != nil {
			return nil, err
		}
		config := unix.LoopConfig{Fd: uint32(file.Fd()), Info: unix.LoopInfo64{Flags: unix.LO_FLAGS_AUTOCLEAR}}
		err = unix.IoctlLoopConfigure(int(device.Fd()), &config)
		if err == nil {
			return device, nil
		}
		device.Close()
		if !errors.Is(err, unix.EBUSY) {
			return nil, fmt.Errorf("configure loop%d: %w", n, err)
		}
	}
	return nil, errors.New("find a free loop device: each was taken by someone else")
}

func (l *loop) reply() spec.DeviceReply { return spec.DeviceReply{Major: l.major, Minor: l.minor} }

func (l *loop) resize(size int64) error {
	if err := l.file.Truncate(size); err != nil {
		return fmt.Errorf("resize a volume: %w", err)
	}
	if err := unix.IoctlSetInt(int(l.device.Fd()), unix.LOOP_SET_CAPACITY, 0); err != nil {
		return fmt.Errorf("resize a volume: %w", err)
	}
	return nil
}

// drop forgets the device and its file; the caller has made sure that nothing uses it.
func (l *loop) drop() error {
	return errors.Join(l.device.Close(), os.Remove(l.file.Name()), l.file.Close())
}

// deviceNumber reads MAJOR:MINOR from a file in sysfs.
func deviceNumber(name string) (major, minor uint32, err error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return 0, 0, fmt.Errorf("read a device's number: %w", err)
	}
	if _, err := fmt.Sscanf(strings.TrimSpace(string(text)), "%d:%d", &major, &minor); err != nil {
		return 0, 0, fmt.Errorf("read a device's number: %w", err)
	}
	return major, minor, nil
}
