package vm

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"bisc/internal/lab/rootfs"
	"bisc/internal/lab/vm/image"
	"bisc/internal/lab/vm/qemu"
)

//go:embed firstboot.sh
var firstBoot string

// state is a booted machine, saved: its memory and its disks.
type state struct {
	image  image.Image
	folder *image.Folder
}

// dataSize is that of the pool's disk. It is sparse.
const dataSize = "20G"

// ensureState boots the image once and saves that, unless the cache has it from the same image, QEMU and options.
func ensureState(ctx context.Context, say *rootfs.Steps, img image.Image) (*state, error) {
	version, err := qemu.Version(ctx)
	if err != nil {
		return nil, err
	}
	options := qemu.Args(qemu.Config{})
	s := &state{image: img, folder: image.NewFolder("vm-state", img.Digest, version, strings.Join(options, " "), firstBoot, dataSize)}
	if s.folder.Sealed(ctx) {
		return s, nil
	}
	say.Step("booting the virtual machine once, to save that (a minute or two)")
	err = s.folder.Build(func(work string) error { return s.save(ctx, say, work) }, "root.qcow2", "data.qcow2", "memory.zst")
	if err != nil {
		return nil, fmt.Errorf("save a boot of the virtual machine: %w", err)
	}
	say.Step("the virtual machine is ready")
	return s, nil
}

// builds are the folders of the cache that a machine runs on.
func (s *state) builds() []string {
	return []string{filepath.Dir(s.image.Kernel), filepath.Dir(s.image.Disk), filepath.Dir(s.folder.File("memory.zst"))}
}

// hold keeps them until release.
func (s *state) hold() (release func(), err error) {
	var held []func()
	release = func() {
		for _, let := range held {
			let()
		}
	}
	for _, dir := range s.builds() {
		let, err := rootfs.Hold(dir)
		if err != nil {
			release()
			return nil, err
		}
		held = append(held, let)
	}
	return release, nil
}

// prune removes the others of their kinds that nothing uses. The caller holds the cache's lock.
func (s *state) prune() error {
	release, err := s.hold()
	if err != nil {
		return err
	}
	defer release()
	for _, dir := range s.builds() {
		err = errors.Join(err, rootfs.Prune(dir))
	}
	return err
}

// save boots the image, makes the pool, and saves the machine at rest.
func (s *state) save(ctx context.Context, say *rootfs.Steps, work string) (err error) {
	root, data := filepath.Join(work, "root.qcow2"), filepath.Join(work, "data.qcow2")
	if err := errors.Join(qemu.Overlay(ctx, root, s.image.Disk, "raw"), qemu.Blank(ctx, data, dataSize)); err != nil {
		return err
	}
	m := &Machine{image: s.image, dir: work, config: qemu.Config{Image: s.image, Dir: work, Root: root, Data: data}}
	if err := m.start(ctx, 6*time.Minute); err != nil {
		return err
	}
	defer func() {
		m.process.Kill()
		m.disconnect()
	}()
	say.Step("  sshd answers; waiting for the end of the boot")
	if out, err := m.Shell(ctx, firstBoot); err != nil {
		return fmt.Errorf("%w\n%s\nconsole:\n%s", err, out, m.consoleTail())
	}
	say.Step("  saving it")
	if err := m.process.Save(ctx, filepath.Join(work, "memory.zst")); err != nil {
		return err
	}
	return m.PowerOff(ctx)
}
