package device

import (
	"fmt"

	"bisc/internal/lab/eos/device/config"
)

// document is a configuration with its header lines and "end" (configs/real-7280CR3A-4.34.0F).
func (d *Device) document(command string, t *config.Tree) string {
	return "! Command: " + command + "\n" + d.compared(t)
}

// compared is the text that a diff is made of: all but the first line. The line numbers of both recorded diffs say so
// (cli-transcripts/scrapli: "@@ -245", session-diffs/napalm/merge_good.diff: "@@ -3").
func (d *Device) compared(t *config.Tree) string {
	return fmt.Sprintf("! device: %s (%s, EOS-%s)\n!\n! boot system %s\n!\n%s!\nend\n", d.hostname(), d.o.Model, d.o.Version, d.o.Image, t)
}
