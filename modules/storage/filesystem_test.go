package storage

import (
	"strings"
	"testing"

	"bisc/internal/host"
)

// contentOf is what is on a device of 1 GiB: the words of blkid, its exit status, and what else is there.
func contentOf(exit int, tags string, more ...string) content {
	c := content{exit: exit, tags: map[string]string{}, size: 1 << 30, raw: strings.Join(strings.Fields(tags), "\n")}
	for _, w := range strings.Fields(tags) {
		k, v, _ := strings.Cut(w, "=")
		c.tags[k] = v
	}
	for _, m := range more {
		if m == "first" || m == "last" {
			c.data = append(c.data, m)
		} else {
			c.partitions = append(c.partitions, m)
		}
	}
	return c
}

func TestFilesystem(t *testing.T) {
	const why = " (bisc formats only what is blank; wipe = true and --destroy would destroy what is there)"
	ext4 := contentOf(0, "TYPE=ext4 UUID=u USAGE=filesystem", "first")
	for _, c := range []struct {
		situation string
		content   content
		uses      []string
		wipe      bool
		want      []string
	}{
		{"blank", contentOf(2, ""), nil, false, []string{"now type: (blank) -> xfs", "do mkfs.xfs /d | no validator lives | device unused | device blank"}},
		{"blank, and wipe makes no difference", contentOf(2, ""), nil, true, []string{"now type: (blank) -> xfs", "do mkfs.xfs /d | no validator lives | device unused | device blank"}},
		{"blank, and in use", contentOf(2, ""), []string{"open 7:0 1 /dev/x"}, true, []string{"left type: blank -> xfs (it is in use: open 7:0 1 /dev/x)"}},
		{"the same", contentOf(0, "TYPE=xfs UUID=u USAGE=filesystem", "first"), nil, true, nil},
		{"the same, in use", contentOf(0, "TYPE=xfs UUID=u USAGE=filesystem", "first"), []string{"mount"}, true, nil},
		{"another file system", ext4, nil, false, []string{"left type: TYPE=ext4 UUID=u -> xfs" + why}},
		{"another file system, wipe", ext4, nil, true, []string{"now type: TYPE=ext4 UUID=u -> xfs", "do mkfs.xfs -f /d | no validator lives | device unused | device as shown", "destroys TYPE=ext4 UUID=u on /d, and everything in it"}},
		{"another file system in use, wipe", ext4, []string{"mount 7:0 1 /x"}, true, []string{"left type: TYPE=ext4 UUID=u -> xfs (it is in use: mount 7:0 1 /x)"}},
		{"LVM", contentOf(0, "TYPE=LVM2_member UUID=u USAGE=raid", "first"), nil, false, []string{"left type: TYPE=LVM2_member UUID=u -> xfs" + why}},
		{"a ZFS label", contentOf(0, "TYPE=zfs_member LABEL=p USAGE=filesystem", "first", "last"), nil, false, []string{"left type: TYPE=zfs_member LABEL=p -> xfs" + why}},
		{"LUKS", contentOf(0, "TYPE=crypto_LUKS UUID=u USAGE=crypto", "first"), nil, false, []string{"left type: TYPE=crypto_LUKS UUID=u -> xfs" + why}},
		{"several signatures", contentOf(8, "", "first"), nil, false, []string{"left type: several signatures -> xfs" + why}},
		{"several signatures, wipe", contentOf(8, "", "first"), nil, true, []string{"now type: several signatures -> xfs", "do mkfs.xfs -f*", "destroys several signatures*"}},
		{"a partition table", contentOf(0, "PTTYPE=gpt", "first", "last"), nil, false, []string{"left type: partitioned PTTYPE=gpt -> xfs" + why}},
		{"partitions that the kernel knows and the table no longer has", contentOf(2, "", "sda1"), nil, false, []string{"left type: partitioned sda1 -> xfs" + why}},
		{"XFS and a partition table", contentOf(0, "TYPE=xfs USAGE=filesystem PTTYPE=dos", "first"), nil, false, []string{"left type: partitioned TYPE=xfs PTTYPE=dos -> xfs" + why}},
		{"unknown bytes at the end", contentOf(2, "", "last"), nil, false, []string{"left type: unknown bytes in its last MiB -> xfs" + why}},
		{"unknown bytes, wipe", contentOf(2, "", "first", "last"), nil, true, []string{"now type: unknown bytes in its first and last MiB -> xfs", "do mkfs.xfs -f /d | no validator lives | device unused | device as shown", "destroys unknown bytes*"}},
		{"no size", content{exit: 2}, nil, true, []string{"left type: no size -> xfs (the device has no size)"}},
	} {
		f := &Filesystem{Device: "/d", Type: "xfs", Wipe: c.wipe}
		wants(t, c.situation, f.decide(filesystemSeen{device: host.Stat{Type: host.Block}, content: c.content, uses: c.uses}), c.want...)
	}
	f := &Filesystem{Device: "/d", Type: "ext4", Label: "data", Options: []string{"-m", "0"}}
	block := host.Stat{Type: host.Block}
	wants(t, "no device", f.decide(filesystemSeen{missing: true}), "left type: (no device) -> ext4*")
	wants(t, "a file", f.decide(filesystemSeen{device: host.Stat{Type: host.Regular}}), "left type: file -> ext4*")
	wants(t, "options and label", f.decide(filesystemSeen{device: block, content: contentOf(2, "")}), "now type: (blank) -> ext4", "do mkfs.ext4 -m 0 -L data /d | *")
	wants(t, "another label", f.decide(filesystemSeen{device: block, content: contentOf(0, "TYPE=ext4 LABEL=x USAGE=filesystem", "first")}), "left volume_label: x -> data"+why)
	for _, c := range []struct {
		f    Filesystem
		want string
	}{
		{Filesystem{Device: "/d", Type: "zfs"}, "type: it is xfs or ext4"},
		{Filesystem{Device: "UUID=1", Type: "xfs"}, "write the device's path"},
		{Filesystem{Device: "/d", Type: "xfs", Options: []string{"-f"}}, "mkfs is not forced"},
		{Filesystem{Device: "/d", Type: "xfs", Options: []string{"/dev/sda"}}, "is no argument of mkfs"},
		{Filesystem{Device: "/d", Type: "xfs", Label: "thirteenbytes"}, "at most 12 bytes"},
	} {
		if got := faultsOf(t, &c.f); !strings.Contains(got, c.want) {
			t.Errorf("%+v: %q, want %q", c.f, got, c.want)
		}
	}
}
