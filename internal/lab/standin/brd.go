package standin

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"bisc/internal/lab/spec"
)

// brdState is the module's memory; /run forgets it with the boot, as the kernel does.
const brdState = "/run/lab-brd.json"

// loadBrd makes rd_nr ramdisks of rd_size KiB. The defaults are those of a distribution's kernel.
func loadBrd(params map[string]string) error {
	count, err := strconv.Atoi(moduleOr(params, "rd_nr", "16"))
	if err != nil {
		return unix.EINVAL
	}
	size, err := strconv.ParseInt(moduleOr(params, "rd_size", "65536"), 10, 64)
	if err != nil || size <= 0 {
		return unix.EINVAL
	}
	for key := range params {
		if key != "rd_nr" && key != "rd_size" && key != "max_part" {
			return fmt.Errorf("Unknown symbol in module, or unknown parameter (see dmesg)")
		}
	}
	disks := []spec.DeviceReply{}
	for n := range count {
		disk, err := ask(spec.DeviceRequest{Op: spec.ZramAdd, Size: size << 10})
		if err != nil {
			return errors.Join(err, dropDisks(disks))
		}
		disks = append(disks, disk)
		if err := mknod(ramNode(n), disk); err != nil {
			return errors.Join(err, dropDisks(disks))
		}
	}
	text, err := json.Marshal(disks)
	if err != nil {
		return err
	}
	if err := os.WriteFile(brdState, text, 0o600); err != nil {
		return err
	}
	return writeModule("brd", map[string]string{"initstate": "live", "refcnt": "0",
		"parameters/rd_nr": strconv.Itoa(count), "parameters/rd_size": strconv.FormatInt(size, 10), "parameters/max_part": moduleOr(params, "max_part", "1")})
}

func ramNode(n int) string { return fmt.Sprintf("/dev/ram%d", n) }

// unloadBrd refuses while any ramdisk is mounted or open.
func unloadBrd() error {
	text, err := os.ReadFile(brdState)
	if err != nil {
		return err
	}
	var disks []spec.DeviceReply
	if err := json.Unmarshal(text, &disks); err != nil {
		return err
	}
	for _, disk := range disks {
		if busy(disk.Major, disk.Minor) {
			return errInUse
		}
	}
	return errors.Join(dropDisks(disks), os.Remove(brdState), removeModule("brd"))
}

func dropDisks(disks []spec.DeviceReply) error {
	var errs []error
	for n, disk := range disks {
		_, err := ask(spec.DeviceRequest{Op: spec.ZramDrop, Number: disk.Number})
		os.Remove(ramNode(n))
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
