package supervise

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

const zramControl = "/sys/class/zram-control"

// zrams makes the ramdisks of a lab's hosts and keeps the record of them.
type zrams struct {
	record record
	mu     sync.Mutex // hosts load brd at the same time
}

// add makes a zram device of size bytes, puts it on record and returns its number.
func (z *zrams) add(size int64) (int, error) {
	z.mu.Lock()
	defer z.mu.Unlock()
	f, err := os.OpenFile(z.record.zrams(), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
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
		return 0, errors.Join(fmt.Errorf("size zram%d: %w", n, err), z.forget(n))
	}
	return n, nil
}

// drop removes a device. It fails with EBUSY while something has it open.
func (z *zrams) drop(n int) error {
	z.mu.Lock()
	defer z.mu.Unlock()
	return z.forget(n)
}

// forget removes a device and then takes it off the record.
func (z *zrams) forget(n int) error {
	if err := removeZram(n); err != nil {
		return err
	}
	text, err := os.ReadFile(z.record.zrams())
	if err != nil {
		return fmt.Errorf("read the lab's record: %w", err)
	}
	rest := slices.DeleteFunc(strings.Fields(string(text)), func(field string) bool { return field == strconv.Itoa(n) })
	rest = append(rest, "")
	if err := os.WriteFile(z.record.zrams(), []byte(strings.Join(rest, "\n")), 0o644); err != nil {
		return fmt.Errorf("keep the lab's record: %w", err)
	}
	return nil
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
	z := &zrams{record: r}
	for _, field := range strings.Fields(string(text)) {
		if n, err := strconv.Atoi(field); err == nil {
			errs = append(errs, retry(func() error { return z.drop(n) }))
		}
	}
	return errors.Join(errs...)
}
