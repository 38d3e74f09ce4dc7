package vm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"

	"golang.org/x/sys/unix"

	"bisc/internal/lab/rootfs"
	"bisc/internal/lab/vm/image"
)

// What a machine of this kind takes. Building wants more memory than running: the kernel is built in a tmpfs.
const (
	runMemory   = 3 << 30
	buildMemory = 5 << 30
	buildSpace  = 6 << 30
)

// Setup prepares the machine, once: it installs missing packages, builds the kernel with ZFS, a disk and a saved boot into
// /var/cache/bisc-lab, in 6 to 12 minutes. It tells its steps to progress, which may be nil. Later calls take a moment;
// concurrent ones wait for each other. It needs root. The error says what is missing where a machine cannot run here. What was built of
// other sources, and nothing uses any more, is removed.
func Setup(ctx context.Context, progress io.Writer) error {
	if err := prepare(ctx, rootfs.NewSteps(progress), progress, (*state).prune); err != nil {
		return fmt.Errorf("set the virtual machine up: %w", err)
	}
	return nil
}

// prepare is Setup; use is called with the saved boot while nobody can replace it.
func prepare(ctx context.Context, say *rootfs.Steps, progress io.Writer, use func(*state) error) error {
	if err := able(); err != nil {
		return err
	}
	if err := rootfs.Ensure(ctx, progress); err != nil {
		return err
	}
	unlock, err := rootfs.Lock(ctx, filepath.Join(rootfs.Cache, "vm.lock"), say)
	if err != nil {
		return err
	}
	defer unlock()
	image, err := image.Ensure(ctx, say, spacious)
	if err != nil {
		return err
	}
	saved, err := ensureState(ctx, say, image)
	if err != nil {
		return err
	}
	return use(saved)
}

// able tells why a machine cannot run here, whatever is installed.
func able() error {
	if runtime.GOARCH != "amd64" {
		return fmt.Errorf("the virtual machine is an amd64, and this machine is %s: emulating that is too slow to be of use", runtime.GOARCH)
	}
	if os.Geteuid() != 0 {
		return errors.New("the set-up mounts file systems and installs packages; run it as root")
	}
	return enoughMemory(runMemory, "run")
}

// spacious tells why an image cannot be built here.
func spacious() error {
	if err := enoughMemory(buildMemory, "be built"); err != nil {
		return err
	}
	var fs unix.Statfs_t
	if err := unix.Statfs(rootfs.Cache, &fs); err != nil {
		return fmt.Errorf("look for space in %s: %w", rootfs.Cache, err)
	}
	if free := int64(fs.Bavail) * fs.Bsize; free < buildSpace {
		return fmt.Errorf("%s has %.1f GiB free; the virtual machine takes %d GiB to build", rootfs.Cache, float64(free)/(1<<30), buildSpace>>30)
	}
	return nil
}

func enoughMemory(want int64, what string) error {
	free, err := available()
	if err != nil {
		return err
	}
	if free < want {
		return fmt.Errorf("%.1f GiB of memory are available; the virtual machine takes %d GiB to %s", float64(free)/(1<<30), want>>30, what)
	}
	return nil
}

// available is the memory that the kernel could give without swapping, in bytes.
func available() (int64, error) {
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0, fmt.Errorf("look for memory: %w", err)
	}
	return memAvailable(string(text))
}
