package image

import (
	"bytes"
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"os/exec"
)

// packings are the ways a Debian kernel may be packed, by the first bytes of each.
var packings = []struct {
	magic   string
	unpacks []string
}{
	{"\xfd7zXZ\x00", []string{"xz", "-dc"}},
	{"\x28\xb5\x2f\xfd", []string{"zstd", "-dcq"}},
	{"\x1f\x8b\x08", []string{"gzip", "-dc"}},
}

// Unpack takes the kernel proper out of a bzImage: QEMU starts that by itself (PVH), while unpacking costs an emulated
// processor 4 s at each boot. The kernel is the packed piece that is an ELF file; the packer's programs complain about what
// follows it, and their status does not count.
func Unpack(ctx context.Context, vmlinuz, vmlinux string) error {
	packed, err := os.ReadFile(vmlinuz)
	if err != nil {
		return fmt.Errorf("unpack the kernel: %w", err)
	}
	for _, p := range packings {
		for at := 0; ; at++ {
			next := bytes.Index(packed[at:], []byte(p.magic))
			if next < 0 {
				break
			}
			at += next
			cmd := exec.CommandContext(ctx, p.unpacks[0], p.unpacks[1:]...)
			cmd.Stdin = bytes.NewReader(packed[at:])
			out, _ := cmd.Output()
			if f, err := elf.NewFile(bytes.NewReader(out)); err == nil && f.Type == elf.ET_EXEC {
				return os.WriteFile(vmlinux, out, 0o644)
			}
		}
	}
	return errors.New("unpack the kernel: no ELF file in " + vmlinuz)
}
