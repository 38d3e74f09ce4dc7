package discover

import (
	"path"
	"slices"
	"strings"

	"bisc/modules/storage"
)

// gateName is the piece that bisc's own plan has docker wait with.
const gateName = "docker.service/10-bisc-ground"

// gate is the drop-in with which docker waits for the mounts that its containers live on, where the host has docker and no
// such order: Wants= and After= start the mounts first, the assertion refuses docker's start over a ground that is not there.
func gate(blocks []*Block, docker bool, grounds []string) *Block {
	var missing []string
	for _, g := range grounds {
		if !asserted(blocks, g) {
			missing = append(missing, g)
		}
	}
	if !docker || len(missing) == 0 {
		return nil
	}
	var units []string
	for _, g := range grounds {
		if u := unitOf(blocks, g); u != "" && !slices.Contains(units, u) {
			units = append(units, u)
		}
	}
	name := gateName
	if slices.ContainsFunc(blocks, func(b *Block) bool { return b.Kind == "drop_in" && b.Label == name }) {
		name = "docker.service/11-bisc-ground" // what is there keeps its name
	}
	b := newBlock("units", "drop_in", name).set("sections", map[string]map[string][]string{
		"Unit": {"After": units, "Wants": units, "AssertPathIsMountPoint": grounds}})
	b.fault("nothing orders docker after %s: which comes first at boot is a race", strings.Join(missing, ", "))
	return b
}

// asserted tells whether a drop-in of docker refuses its start where the path is no mount point.
func asserted(blocks []*Block, point string) bool {
	for _, b := range blocks {
		if b.Kind != "drop_in" || !strings.HasPrefix(b.Label, "docker.service/") {
			continue
		}
		if s, ok := b.attr("sections").(map[string]map[string][]string); ok && slices.Contains(s["Unit"]["AssertPathIsMountPoint"], point) {
			return true
		}
		text, _ := b.attr("content").(Text)
		for line := range strings.Lines(string(text)) {
			if strings.TrimSpace(line) == "AssertPathIsMountPoint="+point {
				return true
			}
		}
	}
	return false
}

// unitOf is the unit that mounts a point at boot; what comes with a recursive bind has none of its own.
func unitOf(blocks []*Block, point string) string {
	for _, b := range blocks {
		switch b.Kind {
		case "mount", "bind", "tmpfs":
			if b.Label == point {
				return storage.MountUnit(point)
			}
		case "zfs_dataset":
			if b.text("mountpoint") == point {
				return "zfs-mount.service"
			}
		}
	}
	return ""
}

// grounds are the mount points that containers live on: those at, above or below what a container binds, and in a known
// variant those that the kind node sees.
func grounds(blocks []*Block, shape Shape, binds []string) []string {
	points := shownPoints(blocks)
	var out []string
	for _, p := range points {
		used := slices.ContainsFunc(binds, func(b string) bool { return within(b, p) || within(p, b) })
		known := shape.Name != "" && (within(p, dataPath) || within(p, kindPath))
		if used || known {
			out = append(out, p)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// shownPoints are the mount points of the blocks, with those that come below a recursive bind.
func shownPoints(blocks []*Block) (out []string) {
	for _, b := range blocks {
		switch b.Kind {
		case "mount", "bind", "tmpfs":
			out = append(out, b.Label)
		case "zfs_dataset":
			if at := b.text("mountpoint"); within(at, kindPath) {
				out = append(out, at)
			}
		}
	}
	for _, b := range blocks {
		if recursive, _ := b.attr("recursive").(bool); b.Kind != "bind" || !recursive {
			continue
		}
		for _, p := range slices.Clone(out) {
			if source := b.text("source"); p != source && within(p, source) {
				out = append(out, path.Join(b.Label, strings.TrimPrefix(p, source)))
			}
		}
	}
	return out
}
