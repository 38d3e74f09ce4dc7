package builds

import (
	"debug/elf"
	"fmt"
	"io"
)

// Target is what an ELF file's header says of the machine that can run it.
type Target struct {
	Class   string `json:"class"`   // 32 or 64 (bits)
	Machine string `json:"machine"` // as uname -m names it: x86_64, i686, aarch64
}

// String reads "64-bit x86_64".
func (t Target) String() string { return t.Class + "-bit " + t.Machine }

// ReadTarget reads the header of an ELF program: the first 64 bytes are enough. What bisc does not build for is an error.
func ReadTarget(header []byte) (Target, error) {
	if len(header) < 52 || string(header[:4]) != elf.ELFMAG {
		return Target{}, fmt.Errorf("not an ELF program")
	}
	class, order, machine := elf.Class(header[elf.EI_CLASS]), elf.Data(header[elf.EI_DATA]), elf.Machine(uint16(header[18])|uint16(header[19])<<8)
	if order != elf.ELFDATA2LSB {
		return Target{}, fmt.Errorf("an ELF program of byte order %s: the relay has none such", order)
	}
	switch {
	case class == elf.ELFCLASS64 && machine == elf.EM_X86_64:
		return Target{"64", "x86_64"}, nil
	case class == elf.ELFCLASS32 && machine == elf.EM_386:
		return Target{"32", "i686"}, nil
	case class == elf.ELFCLASS64 && machine == elf.EM_AARCH64:
		return Target{"64", "aarch64"}, nil
	}
	return Target{}, fmt.Errorf("an ELF program of %s, %s: the relay has none such", class, machine)
}

// Runs says why a machine, as uname -m names it, cannot run what was built for t; empty where it can. A 64-bit x86 kernel
// also runs 32-bit programs, which is how an EOS with a 32-bit userland lives.
func (t Target) Runs(machine string) string {
	switch machine {
	case "x86_64":
		if t.Machine == "x86_64" || t.Machine == "i686" {
			return ""
		}
	case "i386", "i486", "i586", "i686":
		if t.Machine == "i686" {
			return ""
		}
	case "aarch64":
		if t.Machine == "aarch64" {
			return ""
		}
	}
	return fmt.Sprintf("a %s program does not run on a machine that is %q (uname -m)", t, machine)
}

// PlatformOf is the platform whose builds suit a machine best, as uname -m names it.
func PlatformOf(machine string) (string, error) {
	switch machine {
	case "x86_64":
		return "linux/amd64", nil
	case "i386", "i486", "i586", "i686":
		return "linux/386", nil
	case "aarch64":
		return "linux/arm64", nil
	}
	return "", fmt.Errorf("the relay has no builds for a machine that is %q (uname -m): it has them for x86_64, i686 and aarch64", machine)
}

// Platforms are those that the daemons are built for.
func Platforms() []string { return []string{"linux/amd64", "linux/386", "linux/arm64"} }

// Static tells whether a program needs no loader and no library of the host: EOS has other ones than Debian.
func Static(program io.ReaderAt) (bool, error) {
	f, err := elf.NewFile(program)
	if err != nil {
		return false, fmt.Errorf("read the ELF program: %w", err)
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
			return false, nil
		}
	}
	return true, nil
}
