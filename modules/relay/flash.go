package relay

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"bisc/internal/host"
	"bisc/relaybin"
)

// flashReserve is what must stay free on a switch's flash: a full one breaks its own saves (eos.md D.3).
const flashReserve = 200 << 20

// imageOf is the machine that a switch's image is for, in the words of uname: a 32-bit image may run on a 64-bit kernel, and its
// programs then run where a 64-bit one may not.
func imageOf(ctx context.Context, h host.Reader, kernel string) (string, error) {
	var said struct {
		Architecture string `json:"architecture"`
	}
	if err := host.ShowJSON(ctx, h, "show version", &said); err != nil {
		return "", fmt.Errorf("ask for the image's architecture: %w", err)
	}
	switch {
	case said.Architecture == "":
		return "", fmt.Errorf("ask for the image's architecture: the answer to \"show version\" has none: its form is not known")
	case said.Architecture == "i386": // older releases [V: ntc's show version]
		return "i686", nil
	case said.Architecture == "x86_64" && kernel != "x86_64":
		return "", fmt.Errorf("ask for the image's architecture: the switch says x86_64, and its kernel %s: which programs run is not known", kernel)
	}
	return said.Architecture, nil
}

// freeOn asks how many bytes a file system has for writing.
func freeOn(ctx context.Context, h host.Reader, at string) (int64, error) {
	argv := []string{"df", "-P", "-k", "--", at}
	out, err := h.Query(ctx, argv...)
	if err != nil {
		return 0, fmt.Errorf("ask for the free space of %s: %w", at, err)
	}
	lines := strings.Split(strings.TrimSpace(string(out.Stdout)), "\n")
	fields := strings.Fields(lines[len(lines)-1]) // device, size, used, available, percent, mount point
	if out.Exit != 0 || len(lines) != 2 || len(fields) < 6 {
		return 0, fmt.Errorf("ask for the free space of %s: df: exit status %d, %.200q", at, out.Exit, out.Stdout)
	}
	kib, err := strconv.ParseInt(fields[3], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("ask for the free space of %s: df says %.200q", at, out.Stdout)
	}
	return kib << 10, nil
}

// OnFlash is where the program is on a switch once the plan is done, and its digest (SHA-256, hex); an empty path: it is to be absent.
// A daemon on the switch is held against it.
func (b *Binary) OnFlash(ctx context.Context, h host.Reader) (path, sha256 string, err error) {
	if b.Absent {
		return "", "", nil
	}
	kernel, err := machineOf(ctx, h)
	if err != nil {
		return "", "", err
	}
	machine, err := imageOf(ctx, h, kernel)
	if err != nil {
		return "", "", err
	}
	want, err := relaybin.For(b.Name, machine, b.Platform)
	return flashFolder + "/" + b.Name, want.SHA256, err
}
