package storage

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// TagPath gives the link that udev makes for a tag of fstab(5), as systemd's generator reads it: UUID=x is
// /dev/disk/by-uuid/x. ok is false for what is no tag.
func TagPath(source string) (name string, ok bool) {
	tag, value, _ := strings.Cut(source, "=")
	folder := map[string]string{"UUID": "by-uuid", "LABEL": "by-label", "PARTUUID": "by-partuuid", "PARTLABEL": "by-partlabel"}[tag]
	if folder == "" {
		return "", false
	}
	if len(value) > 1 && (value[0] == '"' || value[0] == '\'') && value[len(value)-1] == value[0] {
		value = value[1 : len(value)-1]
	}
	return "/dev/disk/" + folder + "/" + udevName(value), true
}

// udevName writes a name as udev does in a link (udev_util.c, encode_devnode_name): what is not a letter, a digit, one of
// #+-.:=@_ or beyond ASCII is \xNN.
func udevName(value string) string {
	var b strings.Builder
	for _, r := range value {
		if r >= utf8.RuneSelf || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || strings.ContainsRune("#+-.:=@_", r) {
			b.WriteRune(r)
			continue
		}
		fmt.Fprintf(&b, `\x%02x`, r)
	}
	return b.String()
}

// sourceAs is an fstab source as the plan would write it: a tag for the same device is no difference.
func sourceAs(got, want string) string {
	if name, ok := TagPath(got); ok && name == want {
		return want
	}
	return got
}
