package standin

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"bisc/internal/lab/spec"
)

// ask asks bisc-lab for a device.
func ask(q spec.DeviceRequest) (spec.DeviceReply, error) {
	var reply spec.DeviceReply
	conn, err := net.Dial("unix", spec.DeviceSocket)
	if err != nil {
		return reply, fmt.Errorf("ask bisc-lab for a device: %w", err)
	}
	defer conn.Close()
	if err := json.NewEncoder(conn).Encode(q); err != nil {
		return reply, fmt.Errorf("ask bisc-lab for a device: %w", err)
	}
	if err := json.NewDecoder(conn).Decode(&reply); err != nil {
		return reply, fmt.Errorf("ask bisc-lab for a device: %w", err)
	}
	if reply.Error != "" {
		return reply, errors.New(reply.Error)
	}
	return reply, nil
}

// disk is the numeric id of Debian's group of that name, which udev gives block devices to.
const disk = 6

func mknod(path string, at spec.DeviceReply) error {
	if err := unix.Mknod(path, unix.S_IFBLK|0o660, int(unix.Mkdev(at.Major, at.Minor))); err != nil {
		return fmt.Errorf("make %s: %w", path, err)
	}
	return errors.Join(os.Chmod(path, 0o660), os.Chown(path, 0, disk))
}

func volumeLink(name string) string { return filepath.Join("/dev/zvol", name) }

// makeNode makes a volume's node and link. A node's number goes up by 16, as ZFS leaves room for partitions.
func makeNode(name string, d *dataset) error {
	at, err := ask(spec.DeviceRequest{Op: spec.LoopOpen, Name: name, Size: d.Size})
	if err != nil {
		return fmt.Errorf("cannot create '%s': %w", name, err)
	}
	if _, err := os.Stat(volumeLink(name)); err == nil {
		return nil
	}
	node := ""
	for n := 0; node == ""; n += 16 {
		path := fmt.Sprintf("/dev/zd%d", n)
		err := mknod(path, at)
		if err == nil {
			node = path
		} else if !errors.Is(err, unix.EEXIST) {
			return err
		}
	}
	if err := os.MkdirAll(filepath.Dir(volumeLink(name)), 0o755); err != nil {
		return fmt.Errorf("link %s: %w", volumeLink(name), err)
	}
	up := strings.Repeat("../", strings.Count(name, "/")+1)
	return os.Symlink(up+filepath.Base(node), volumeLink(name))
}

func removeNode(name string) error {
	link := volumeLink(name)
	node, err := filepath.EvalSymlinks(link)
	if err != nil { // somebody removed it by hand
		return nil
	}
	if err := errors.Join(os.Remove(node), os.Remove(link)); err != nil {
		return fmt.Errorf("remove %s: %w", link, err)
	}
	os.Remove(filepath.Dir(link)) // the last volume's folder; /dev/zvol/POOL may hold others
	return nil
}

// makeNodes makes what is missing in /dev, as an import does.
func makeNodes(s *state) error {
	var errs []error
	for _, name := range s.names() {
		if d := s.Datasets[name]; d.Volume {
			errs = append(errs, makeNode(name, d))
		}
	}
	return errors.Join(errs...)
}

// zvolWait is the program that zfs-volume-wait.service runs.
func zvolWait(_ []string, out io.Writer) error {
	s, err := load()
	if err != nil {
		return err
	}
	if err := makeNodes(s); err != nil {
		return err
	}
	fmt.Fprintln(out, "All zvol links are now present.")
	return nil
}
