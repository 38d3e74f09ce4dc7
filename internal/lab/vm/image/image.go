// Package image builds, once a machine, what a virtual machine of the lab boots: Debian's kernel with the ZFS modules, and
// a disk with the test hosts' root file system. Each goes into a folder of the lab's cache that is named by all that goes
// into it; a folder without its seal, or with another, is made anew.
package image

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"bisc/internal/lab/rootfs"
)

//go:embed kernel.sh
var kernelScript string

//go:embed system.sh
var systemScript string

//go:embed configure.sh
var configureScript string

//go:embed init.sh
var initScript string

// Image is what QEMU boots.
type Image struct {
	Kernel  string // vmlinux, unpacked
	Initrd  string
	Disk    string // a raw disk, only ever read: machines write to overlays on it
	Version string // of the kernel
	HostKey string // sshd's public key, as in authorized_keys
	Digest  string // of all files' digests
}

// Ensure installs what the machine lacks and builds what is not in the cache, where mayBuild has no objection. The caller
// holds the lock of the machines' cache.
func Ensure(ctx context.Context, say *rootfs.Steps, mayBuild func() error) (Image, error) {
	if err := rootfs.Install(ctx, say, machinePrograms); err != nil {
		return Image{}, err
	}
	release, err := rootfs.Codename()
	if err != nil {
		return Image{}, err
	}
	shared := rootfs.Dir()
	if shared == "" {
		return Image{}, errors.New("the test hosts' root file system is not there; run bisc-lab setup")
	}
	kernel := NewFolder("vm-kernel", release, kernelScript)
	if !kernel.Sealed(ctx) {
		if err := mayBuild(); err != nil {
			return Image{}, err
		}
		if err := buildKernel(ctx, say, kernel, release); err != nil {
			return Image{}, fmt.Errorf("build the kernel with ZFS: %w", err)
		}
	}
	disk := NewFolder("vm-disk", kernel.Digest(), filepath.Base(filepath.Dir(shared)), strings.Join(guestPackages, " "), systemScript, configureScript, initScript)
	if !disk.Sealed(ctx) {
		if err := mayBuild(); err != nil {
			return Image{}, err
		}
		if err := buildDisk(ctx, say, disk, kernel, shared, release); err != nil {
			return Image{}, fmt.Errorf("build the virtual machine's disk: %w", err)
		}
	}
	return describe(kernel, disk)
}

func describe(kernel, disk *Folder) (Image, error) {
	image := Image{Kernel: kernel.File("vmlinux"), Initrd: disk.File("initrd.img"), Disk: disk.File("disk.raw"), Digest: kernel.Digest() + disk.Digest()}
	for path, into := range map[string]*string{kernel.File("version"): &image.Version, disk.File("hostkey.pub"): &image.HostKey} {
		text, err := os.ReadFile(path)
		if err != nil {
			return Image{}, fmt.Errorf("read the virtual machine's image: %w", err)
		}
		*into = strings.TrimSpace(string(text))
	}
	return image, nil
}

// buildKernel leaves vmlinux, version and modules.tar in the folder.
func buildKernel(ctx context.Context, say *rootfs.Steps, folder *Folder, release string) error {
	return folder.Build(func(work string) error {
		if err := rootfs.AptFiles(ctx, work, release, "contrib"); err != nil {
			return err
		}
		say.Step("building Debian's kernel with ZFS modules (4 to 10 minutes, once a machine)")
		if err := inNamespace(ctx, say, kernelScript, "kernel.sh", work, release); err != nil {
			return err
		}
		return Unpack(ctx, filepath.Join(work, "vmlinuz"), filepath.Join(work, "vmlinux"))
	}, "vmlinux", "version", "modules.tar")
}

func buildDisk(ctx context.Context, say *rootfs.Steps, folder, kernel *Folder, shared, release string) error {
	return folder.Build(func(work string) error {
		if err := rootfs.AptFiles(ctx, work, release, "contrib"); err != nil {
			return err
		}
		for name, text := range map[string]string{"configure.sh": configureScript, "init.sh": initScript} {
			if err := os.WriteFile(filepath.Join(work, name), []byte(text), 0o644); err != nil {
				return err
			}
		}
		version, err := os.ReadFile(kernel.File("version"))
		if err != nil {
			return err
		}
		say.Step("building the virtual machine's disk (half a minute)")
		return inNamespace(ctx, say, systemScript, "system.sh", work, shared, kernel.File("modules.tar"), strings.Join(guestPackages, " "), strings.TrimSpace(string(version)))
	}, "initrd.img", "disk.raw", "hostkey.pub")
}

// inNamespace runs a script in mount and PID namespaces of its own, where it ends as a whole when it is killed.
func inNamespace(ctx context.Context, say *rootfs.Steps, script, name string, args ...string) error {
	words := append([]string{"--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--", "sh", "-c", script, name}, args...)
	return say.Run(ctx, "unshare", words...)
}
