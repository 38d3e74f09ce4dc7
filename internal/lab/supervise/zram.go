package supervise

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

const zramControl = "/sys/class/zram-control"

// zramLock keeps the lines of the record whole: hosts load brd at the same time.
var zramLock sync.Mutex

// addZram makes a zram device of size bytes, puts it on record and returns its number.
func (r record) addZram(size int64) (int, error) {
	zramLock.Lock()
	defer zramLock.Unlock()
	f, err := os.OpenFile(r.zrams(), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return 0, fmt.Errorf("record a zram device: %w", err)
	}
	defer f.Close()
	text, err := os.ReadFile(zramControl + "/hot_add") // reading it makes the device
	if err != nil {
		return 0, fmt.Errorf("make a zram device: %w", err)
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0, fmt.Errorf("make a zram device: %w", err)
	}
	if _, err := fmt.Fprintln(f, n); err != nil {
		return 0, errors.Join(fmt.Errorf("record a zram device: %w", err), removeZram(n))
	}
	if err := os.WriteFile(fmt.Sprintf("/sys/block/zram%d/disksize", n), []byte(strconv.FormatInt(size, 10)), 0o644); err != nil {
		return 0, errors.Join(fmt.Errorf("size zram%d: %w", n, err), r.dropZram(n))
	}
	return n, nil
}

// dropZram removes a device and takes it off the record. It fails with EBUSY while something has it open.
func (r record) dropZram(n int) error {
	if err := removeZram(n); err != nil {
		return err
	}
	zramLock.Lock()
	defer zramLock.Unlock()
	text, err := os.ReadFile(r.zrams())
	if err != nil {
		return fmt.Errorf("read the lab's record: %w", err)
	}
	line := fmt.Appendf(nil, "%d\n", n)
	text, _ = bytes.CutPrefix(bytes.Replace(append([]byte("\n"), text...), append([]byte("\n"), line...), []byte("\n"), 1), []byte("\n"))
	return os.WriteFile(r.zrams(), text, 0o644)
}

func removeZram(n int) error {
	err := os.WriteFile(zramControl+"/hot_remove", []byte(strconv.Itoa(n)), 0o200)
	if errors.Is(err, unix.ENODEV) { // somebody removed it by hand
		return nil
	}
	if err != nil {
		return fmt.Errorf("remove zram%d: %w", n, err)
	}
	return nil
}

// releaseZrams removes every device on record.
func (r record) releaseZrams() error {
	text, err := os.ReadFile(r.zrams())
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the lab's record: %w", err)
	}
	var errs []error
	for _, field := range strings.Fields(string(text)) {
		if n, err := strconv.Atoi(field); err == nil {
			errs = append(errs, retry(func() error { return removeZram(n) }))
		}
	}
	return errors.Join(errs...)
}
