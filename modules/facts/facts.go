// Package facts reads what a condition may say of a Linux host: a few files, asked for in one wave, and only those that
// the facts named come from.
package facts

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"

	"bisc/internal/host"
)

// Fact is one name below fact.* in the language.
type Fact struct {
	Name string
	Doc  string
	From string // where it is read
	// Zero is a value of the fact's type: a string, a number, a slice, or a struct whose fields carry the tag fact.
	Zero any

	read func(ctx context.Context, h host.Reader) (any, error)
}

// All lists the facts there are, in the order of the documents.
func All() []Fact {
	return []Fact{
		{"os", "the distribution: id (debian), version (12), name, pretty", "/etc/os-release, else /usr/lib/os-release", OS{}, readOS},
		{"kernel", "the running kernel: release, and its command line", "/proc/sys/kernel/osrelease, /proc/cmdline", Kernel{}, readKernel},
		{"hostname", "the host's own name", "/proc/sys/kernel/hostname", "", line("/proc/sys/kernel/hostname")},
		{"machine_id", "the id made when the host was installed", "/etc/machine-id", "", line("/etc/machine-id")},
		{"boot_id", "the id of this boot", "/proc/sys/kernel/random/boot_id", "", line("/proc/sys/kernel/random/boot_id")},
		{"cpus", "how many processors are online", "/sys/devices/system/cpu/online", 0, readCPUs},
		{"memory", "in bytes: total, available (free, or freed without swapping), swap_total, swap_free", "/proc/meminfo", Memory{}, readMemory},
		{"uptime", "seconds since the host booted", "/proc/uptime", 0.0, readUptime},
		{"modules", "names of the kernel modules that are loaded; those built in are not listed", "/proc/modules", []string(nil), readModules},
		{"swaps", "the swap areas in use: path, type (partition, file), size in bytes", "/proc/swaps", []Swap(nil), readSwaps},
		{"automatic_reboot", "whether unattended-upgrades reboots the host by itself: Unattended-Upgrade::Automatic-Reboot as apt reads it from all its files", "apt-config dump", false, readAutomaticReboot},
		{"zfs", "the loaded ZFS module: version (2.2.9), and number to compare it by (20209); not known where none is loaded", "zfs version", ZFS{}, readZFS},
		{"mounts", "the mounts in PID 1's namespace, in the kernel's order, which is not the order of who covers whom: target, source, fstype, root (of the mounted tree), device (major:minor), options", "/proc/1/mountinfo", []Mount(nil), readMounts},
	}
}

// Read gives the facts of these names, with values of the types of Zero. A fact that cannot be read is an error: it has
// no value that would mean not known.
func Read(ctx context.Context, h host.Reader, names ...string) (map[string]any, error) {
	var mu sync.Mutex
	out := map[string]any{}
	var questions []func(context.Context) error
	wanted := map[string]bool{}
	for _, n := range names {
		wanted[n] = true
	}
	for _, f := range All() {
		if !wanted[f.Name] {
			continue
		}
		delete(wanted, f.Name)
		questions = append(questions, func(ctx context.Context) error {
			v, err := f.read(ctx, h)
			if err != nil {
				return fmt.Errorf("reading fact.%s: %w", f.Name, err)
			}
			mu.Lock()
			defer mu.Unlock()
			out[f.Name] = v
			return nil
		})
	}
	if len(wanted) > 0 {
		return nil, errors.New("facts: asked for a fact that there is not")
	}
	if err := host.Ask(ctx, questions...); err != nil {
		return nil, err
	}
	return out, nil
}

// Table is the facts as a table for the documents, in Markdown.
func Table() string {
	var b strings.Builder
	b.WriteString("| fact | type | what | read from |\n|---|---|---|---|\n")
	for _, f := range All() {
		fmt.Fprintf(&b, "| `fact.%s` | %s | %s | `%s` |\n", f.Name, typeText(reflect.TypeOf(f.Zero)), f.Doc, f.From)
	}
	return b.String()
}

func typeText(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "string"
	case reflect.Bool:
		return "bool"
	case reflect.Slice:
		return "list of " + typeText(t.Elem())
	case reflect.Struct:
		return "object"
	}
	return "number"
}
