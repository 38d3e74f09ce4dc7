package facts

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"bisc/internal/host"
	"bisc/internal/host/hosttest"
)

// debian is a host as the lab's are.
func debian() *hosttest.Fake {
	f := hosttest.New("lab")
	f.Files = map[string]string{
		"/etc/os-release":                 "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\nID=debian\n# a comment\n\n",
		"/proc/sys/kernel/osrelease":      "6.1.0-44-cloud-amd64\n",
		"/proc/cmdline":                   "BOOT_IMAGE=/vmlinuz root=/dev/sda1 ro\n",
		"/proc/sys/kernel/hostname":       "lab\n",
		"/etc/machine-id":                 "0123456789abcdef0123456789abcdef\n",
		"/proc/sys/kernel/random/boot_id": "7c9d3a52-0000-4000-8000-000000000000\n",
		"/sys/devices/system/cpu/online":  "0-3,8,10-11\n",
		"/proc/meminfo":                   "MemTotal:        2048 kB\nMemFree:          100 kB\nMemAvailable:    1024 kB\nSwapTotal:         512 kB\nSwapFree:            0 kB\n",
		"/proc/uptime":                    "12.34 40.00\n",
		"/proc/modules":                   "xfs 2 1 - Live 0x0\nbrd 1 0 - Live 0x0 (O)\n",
		"/proc/swaps":                     "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n/swap\\040file                          file\t\t4\t\t0\t\t-2\n",
		"/proc/1/mountinfo":               "22 1 0:20 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n30 22 1:0 /sub /srv/a\\040b rw - xfs /dev/ram0 rw,noquota\n31 22 0:5 / /proc rw - proc  rw\n",
	}
	return f.Answer(0, "Unattended-Upgrade::Automatic-Reboot \"true\";\n", "apt-config", "dump").
		Answer(0, "zfs-2.2.9-1\nzfs-kmod-2.2.9-1\n", "zfs", "version")
}

func TestReadAll(t *testing.T) {
	var names []string
	for _, f := range All() {
		names = append(names, f.Name)
	}
	got, err := Read(t.Context(), debian(), names...)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"os":               OS{ID: "debian", Version: "12", Name: "Debian GNU/Linux", Pretty: "Debian GNU/Linux 12 (bookworm)"},
		"kernel":           Kernel{Release: "6.1.0-44-cloud-amd64", Cmdline: "BOOT_IMAGE=/vmlinuz root=/dev/sda1 ro"},
		"hostname":         "lab",
		"machine_id":       "0123456789abcdef0123456789abcdef",
		"boot_id":          "7c9d3a52-0000-4000-8000-000000000000",
		"cpus":             7,
		"memory":           Memory{Total: 2 << 20, Available: 1 << 20, SwapTotal: 512 << 10},
		"uptime":           12.34,
		"automatic_reboot": true,
		"zfs":              ZFS{Version: "2.2.9", Number: 20209},
		"modules":          []string{"brd", "xfs"},
		"swaps":            []Swap{{Path: "/swap file", Type: "file", Size: 4096}},
		"mounts": []Mount{
			{Target: "/", Source: "/dev/sda1", FSType: "ext4", Root: "/", Device: "0:20", Options: []string{"rw", "relatime"}},
			{Target: "/srv/a b", Source: "/dev/ram0", FSType: "xfs", Root: "/sub", Device: "1:0", Options: []string{"rw"}},
			{Target: "/proc", Source: "", FSType: "proc", Root: "/", Device: "0:5", Options: []string{"rw"}},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestEveryFactHasTheTypeOfItsZero(t *testing.T) {
	for _, f := range All() {
		got, err := Read(t.Context(), debian(), f.Name)
		if err != nil {
			t.Fatal(err)
		}
		if g, w := cmp.Diff(f.Zero, got[f.Name]), ""; g == w {
			t.Errorf("%s: the host's value is the zero value: the test shows nothing", f.Name)
		}
		if len(got) != 1 {
			t.Errorf("%s: got %v", f.Name, got)
		}
	}
}

func TestReadOnlyWhatIsNamed(t *testing.T) {
	f := debian()
	if _, err := Read(t.Context(), f, "cpus", "kernel"); err != nil {
		t.Fatal(err)
	}
	if got := len(f.Log()); got != 3 {
		t.Errorf("asked %v, want three files", f.Log())
	}
	if got, err := Read(t.Context(), hosttest.New("x")); err != nil || len(got) != 0 {
		t.Errorf("no names: got %v, %v", got, err)
	}
	if _, err := Read(t.Context(), f, "nope"); err == nil {
		t.Error("a fact that there is not was read")
	}
}

func TestOSReleaseInUsr(t *testing.T) {
	f := hosttest.New("x")
	f.Missing["/etc/os-release"] = true
	f.Files["/usr/lib/os-release"] = "ID='fedora'\nNAME=\"a \\\"b\\\" \\$c\"\n"
	got, err := Read(t.Context(), f, "os")
	if err != nil || got["os"] != (OS{ID: "fedora", Name: `a "b" $c`}) {
		t.Errorf("got %+v, %v", got, err)
	}
}

// What is not as the kernel writes it is an error, not a value.
func TestUnreadable(t *testing.T) {
	for name, c := range map[string]struct{ fact, file, content string }{
		"cpus in words":         {"cpus", "/sys/devices/system/cpu/online", "all\n"},
		"cpus backwards":        {"cpus", "/sys/devices/system/cpu/online", "3-1\n"},
		"memory without a line": {"memory", "/proc/meminfo", "MemTotal: 1 kB\n"},
		"memory in words":       {"memory", "/proc/meminfo", "MemTotal: much\n"},
		"uptime":                {"uptime", "/proc/uptime", "NaN 1\n"},
		"uptime without end":    {"uptime", "/proc/uptime", "Inf 1\n"},
		"swaps":                 {"swaps", "/proc/swaps", "Filename\n/x file\n"},
		"swaps size":            {"swaps", "/proc/swaps", "Filename\n/x file big\n"},
		"mounts":                {"mounts", "/proc/1/mountinfo", "22 1 0:20 / /\n"},
		"empty machine id":      {"machine_id", "/etc/machine-id", "\n"},
	} {
		f := debian()
		f.Files[c.file] = c.content
		if got, err := Read(t.Context(), f, c.fact); err == nil {
			t.Errorf("%s: got %v", name, got)
		}
	}
	for _, f := range All() {
		if _, err := Read(t.Context(), hosttest.New("x"), f.Name); err == nil || !strings.Contains(err.Error(), "reading fact."+f.Name) {
			t.Errorf("%s of a host that answers nothing: %v", f.Name, err)
		}
	}
	f := debian()
	f.Errors["read /proc/uptime"] = host.ErrStuck
	if _, err := Read(t.Context(), f, "uptime"); !errors.Is(err, host.ErrStuck) {
		t.Errorf("got %v, want ErrStuck", err)
	}
}

func TestTableIsInTheDocuments(t *testing.T) {
	doc, err := os.ReadFile("../../docs/language.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(doc), Table()) {
		t.Errorf("docs/language.md does not have the table of facts; it is:\n%s", Table())
	}
}
