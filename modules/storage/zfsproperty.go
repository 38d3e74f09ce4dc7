package storage

import (
	"fmt"
	"strings"

	"bisc/modules"
)

// aliases are words that zfs set takes and zfs get gives back as another: the first of those with the same number in
// OpenZFS' tables (module/zcommon/zfs_prop.c, as of 2.2). Compression "on" is a number of its own and stays.
func aliases() map[string]map[string]string {
	return map[string]map[string]string{
		"acltype":     {"posixacl": "posix", "noacl": "off", "disabled": "off"},
		"aclinherit":  {"secure": "restricted"},
		"compression": {"gzip-6": "gzip", "zstd-fast-1": "zstd-fast"},
		"volmode":     {"geom": "full"},
	}
}

// zfsVersion is the file in which the module tells its version: 2.2.7-1.
const zfsVersion = "/sys/module/zfs/version"

// xattrOn is what xattr=on stands for: sa since 2.3, dir before. Whichever it is reads as on (openzfs/zfs issue 17171).
func xattrOn(version string) string {
	var major, minor int
	if n, _ := fmt.Sscanf(version, "%d.%d", &major, &minor); n == 2 && (major > 2 || major == 2 && minor >= 3) {
		return "sa"
	}
	return "dir"
}

// sameProperty compares what zfs get -p gives with what a person writes: also 131072 with 128K, 0 with none, and the cipher
// that encryption=on has become when the dataset was made.
func sameProperty(name, got, want, version string) bool {
	plain := func(v string) string {
		if name == "xattr" && v == "on" {
			return xattrOn(version)
		}
		if first, ok := aliases()[name][v]; ok {
			return first
		}
		return v
	}
	switch {
	case plain(got) == plain(want), got == "0" && want == "none":
		return true
	case name == "encryption" && want == "on":
		return strings.HasPrefix(got, "aes-")
	}
	var a, b modules.Bytes
	return a.UnmarshalText([]byte(got)) == nil && b.UnmarshalText([]byte(want)) == nil && a == b
}
