package storage

import (
	"strings"
	"testing"
)

// zfsOf is what zfs says: words name=value or name=value@source, local where there is none.
func zfsOf(words string) zfsSeen {
	z := zfsSeen{value: map[string]string{}, source: map[string]string{}}
	for _, w := range strings.Fields(words) {
		k, v, _ := strings.Cut(w, "=")
		v, source, ok := strings.Cut(v, "@")
		if !ok {
			source = "local"
		}
		z.value[k], z.source[k] = v, source
	}
	return z
}

func TestZvol(t *testing.T) {
	const right = "type=volume volsize=1073741824 volblocksize=16384 refreservation=0 bisc:protect=on"
	const why = " (bisc:protect is on: apply protect = false, without absent, first)"
	for _, c := range []struct {
		situation, zfs string
		change         func(z *Zvol, s *zvolSeen)
		want           []string
	}{
		{"in sync", right, nil, nil},
		{"missing", "", func(z *Zvol, s *zvolSeen) { s.zfs.missing = true }, []string{"now volume: (none) -> p/v", "do zfs create -s -o bisc:protect=on -V 1073741824 p/v"}},
		{"missing, with all", "", func(z *Zvol, s *zvolSeen) {
			s.zfs.missing, z.BlockSize, z.Sparse, z.Protect = true, 16<<10, false, false
		}, []string{"now volume*", "do zfs create -b 16384 -V 1073741824 p/v"}},
		{"the parent is missing too", "", func(z *Zvol, s *zvolSeen) { s.zfs.missing, s.parent.missing = true, true }, []string{"left volume: (none) -> p/v (p does not exist*"}},
		{"the parent is missing and wanted", "", func(z *Zvol, s *zvolSeen) {
			s.zfs.missing, s.parent.missing = true, true
			z.wanted.datasets = map[string]bool{"p": true}
		}, []string{"now volume*", "do zfs create*"}},
		{"a file system has the name", "type=filesystem", nil, []string{"left type: filesystem -> volume*"}},
		{"smaller", right, func(z *Zvol, s *zvolSeen) { z.Size = 2 << 30 }, []string{"now size: 1GiB -> 2GiB", "do zfs set volsize=2147483648 p/v"}},
		{"larger: never shrunk", right, func(z *Zvol, s *zvolSeen) { z.Size = 1 << 29 }, []string{"left size: 1GiB -> 512MiB (a volume is never shrunk*"}},
		{"another block size", right, func(z *Zvol, s *zvolSeen) { z.BlockSize = 8 << 10 }, []string{"left volblocksize: 16KiB -> 8KiB (it is fixed*"}},
		{"the same block size", right, func(z *Zvol, s *zvolSeen) { z.BlockSize = 16 << 10 }, nil},
		{"space is to be reserved", right, func(z *Zvol, s *zvolSeen) { z.Sparse = false }, []string{"now sparse: true -> false", "do zfs set refreservation=auto p/v"}},
		{"space is reserved", "type=volume volsize=1073741824 volblocksize=16384 refreservation=1107820544 bisc:protect=on", nil, []string{"now sparse: false -> true", "do zfs set refreservation=none p/v"}},
		{"not protected", strings.Replace(right, "=on", "=-@-", 1), nil, []string{"now protect: false -> true", "do zfs set bisc:protect=on p/v"}},
		{"protected from above only", right + "@inherited", nil, []string{"now protect: inherited -> true", "do zfs set bisc:protect=on p/v"}},
		{"protection is to go", right, func(z *Zvol, s *zvolSeen) { z.Protect = false }, []string{"now protect: true -> false", "do zfs set bisc:protect=off p/v"}},
		{"no link yet", right, func(z *Zvol, s *zvolSeen) { s.noDevice = true }, []string{"now device: (none) -> /dev/zvol/p/v", "do udevadm trigger --action=add --subsystem-match=block --sysname-match=zd*"}},
		{"no link, and no device by its own property", right + " volmode=none", func(z *Zvol, s *zvolSeen) { s.noDevice = true },
			[]string{"left device: (none) -> /dev/zvol/p/v (volmode is none, so that the volume has no device: zfs set volmode=default p/v, or inherit it)"}},
		{"absent, protected (incident 15)", right, func(z *Zvol, s *zvolSeen) { z.Absent = true }, []string{"left absent: protected -> true" + why}},
		{"absent, protected, and told both at once", right, func(z *Zvol, s *zvolSeen) { z.Absent, z.Protect = true, false }, []string{"left absent: protected -> true" + why}},
		{"absent, protected from above", right + "@inherited", func(z *Zvol, s *zvolSeen) { z.Absent = true }, []string{"left absent: protected -> true" + why}},
		{"absent, and it may go", strings.Replace(right, "=on", "=off", 1), func(z *Zvol, s *zvolSeen) { z.Absent = true }, []string{"now absent: exists -> true",
			"do zfs destroy p/v | no validator lives | not protected | device unused", "destroys the volume p/v (1GiB) and everything on it"}},
		{"absent, and nothing tells whether it is used", strings.Replace(right, "=on", "=off", 1), func(z *Zvol, s *zvolSeen) { z.Absent, s.noDevice = true, true }, []string{"left absent*"}},
		{"absent, and a file system", "type=filesystem", func(z *Zvol, s *zvolSeen) { z.Absent = true }, []string{"left type*"}},
		{"absent already", "", func(z *Zvol, s *zvolSeen) { z.Absent, s.zfs.missing = true, true }, nil},
	} {
		z := &Zvol{Volume: "p/v", Size: 1 << 30, Sparse: true, Protect: true}
		s := zvolSeen{zfs: zfsOf(c.zfs)}
		if c.change != nil {
			c.change(z, &s)
		}
		wants(t, c.situation, z.decide(s), c.want...)
	}
	for _, c := range []struct {
		z    Zvol
		want string
	}{
		{Zvol{Volume: "p", Size: 1 << 30}, "a volume's name is POOL/PATH"},
		{Zvol{Volume: "p/-v", Size: 1 << 30}, "is not the name of a pool or dataset"},
		{Zvol{Volume: "p/v@s", Size: 1 << 30}, "is not the name of a pool or dataset"},
		{Zvol{Volume: "p/../v", Size: 1 << 30}, "is not the name of a pool or dataset"},
		{Zvol{Volume: "p/v"}, "size: it is needed"},
		{Zvol{Volume: "p/v", Size: 1<<30 + 1}, "multiple of 128KiB"},
		{Zvol{Volume: "p/v", Size: 1 << 30, BlockSize: 3000}, "power of two"},
	} {
		if got := faultsOf(t, &c.z); !strings.Contains(got, c.want) {
			t.Errorf("%+v: %q, want %q", c.z, got, c.want)
		}
	}
}
