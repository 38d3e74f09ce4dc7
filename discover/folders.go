package discover

import (
	"context"
	"path"
	"slices"
	"strings"

	"bisc/internal/host"
	"bisc/modules"
)

// programs reads what the units run that is no package's: a script that a unit stands on belongs to it.
func (r *reader) programs(ctx context.Context, units []unitFile) ([]localFile, error) {
	var paths []string
	for _, u := range units {
		for line := range strings.Lines(u.text) {
			name, command, ok := strings.Cut(strings.TrimSpace(line), "=")
			if !ok || !strings.HasPrefix(name, "Exec") {
				continue
			}
			for _, w := range strings.Fields(command) {
				w = strings.TrimLeft(w, "-@:+!\"'")
				w = strings.TrimRight(w, "\"';")
				if within(w, "/usr/local") || within(w, "/opt") || within(w, "/etc") {
					paths = append(paths, path.Clean(w))
				}
			}
		}
	}
	found, err := r.readLocals(ctx, paths)
	return found.files, err
}

// folders are those of the validator, by number of their owner.
func (r *reader) folders(ctx context.Context, blocks []*Block, shape Shape) ([]*Block, error) {
	if shape.Name == "" {
		return nil, nil
	}
	data := dataPath
	if shape.Name == "D" || shape.Name == "E" {
		data = kindPath
	}
	paths := map[string]string{data + "/ledger": data, data + "/snapshots": data, data + "/log": data, data + "/ramdisk/accounts": data + "/ramdisk"}
	names := []string{data + "/ledger", data + "/snapshots", data + "/log", data + "/ramdisk/accounts"}
	stats := make([]*host.Stat, len(names))
	var asks []question
	for i, n := range names {
		asks = append(asks, r.stat(&stats[i], "folder", n))
	}
	if err := r.wave(ctx, asks...); err != nil {
		return nil, err
	}
	var out []*Block
	for i, n := range names {
		st := stats[i]
		if st == nil || st.Type != host.Directory || st.Link != "" {
			continue
		}
		b := newBlock("storage", "directory", n).set("owner", Number(st.UID)).set("group", Number(st.GID)).set("mode", modeText(st.Mode))
		if slices.ContainsFunc(blocks, func(b *Block) bool { return b.Label == paths[n] || b.text("mountpoint") == paths[n] }) {
			b.set("must_be_on", paths[n])
		}
		b.note("the validator's container must run under this number")
		out = append(out, b)
	}
	return out, nil
}

func modeText(mode uint32) string { return modules.Mode(mode).String() }
