package facts

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"bisc/internal/host"
)

// The facts that are objects. The tag is the name in the language.
type (
	// OS is what os-release(5) says; empty where it says nothing.
	OS struct {
		ID      string `fact:"id"`
		Version string `fact:"version"`
		Name    string `fact:"name"`
		Pretty  string `fact:"pretty"`
	}
	// Kernel is the kernel that runs.
	Kernel struct {
		Release string `fact:"release"`
		Cmdline string `fact:"cmdline"`
	}
	// Memory is in bytes.
	Memory struct {
		Total     int64 `fact:"total"`
		Available int64 `fact:"available"`
		SwapTotal int64 `fact:"swap_total"`
		SwapFree  int64 `fact:"swap_free"`
	}
	// Swap is an area in use; Size is in bytes.
	Swap struct {
		Path string `fact:"path"`
		Type string `fact:"type"`
		Size int64  `fact:"size"`
	}
	// Mount is a line of mountinfo.
	Mount struct {
		Target  string   `fact:"target"`
		Source  string   `fact:"source"`
		FSType  string   `fact:"fstype"`
		Root    string   `fact:"root"`
		Device  string   `fact:"device"`
		Options []string `fact:"options"`
	}
)

// line reads a file of one line.
func line(name string) func(context.Context, host.Reader) (any, error) {
	return func(ctx context.Context, h host.Reader) (any, error) {
		text, err := h.ReadFile(ctx, name)
		if err != nil {
			return nil, err
		}
		s := strings.TrimSpace(string(text))
		if s == "" {
			return nil, fmt.Errorf("%s is empty", name)
		}
		return s, nil
	}
}

func readOS(ctx context.Context, h host.Reader) (any, error) {
	text, err := h.ReadFile(ctx, "/etc/os-release")
	if errors.Is(err, fs.ErrNotExist) {
		text, err = h.ReadFile(ctx, "/usr/lib/os-release")
	}
	if err != nil {
		return nil, err
	}
	return parseOS(string(text)), nil
}

// parseOS reads os-release(5): shell assignments without expansion.
func parseOS(text string) OS {
	values := map[string]string{}
	for _, l := range strings.Split(text, "\n") {
		if key, value, ok := strings.Cut(strings.TrimSpace(l), "="); ok && !strings.HasPrefix(key, "#") {
			values[key] = unquote(value)
		}
	}
	return OS{ID: values["ID"], Version: values["VERSION_ID"], Name: values["NAME"], Pretty: values["PRETTY_NAME"]}
}

func unquote(s string) string {
	if len(s) >= 2 && (s[0] == '"' || s[0] == '\'') && s[len(s)-1] == s[0] {
		if s[0] == '\'' {
			return s[1 : len(s)-1]
		}
		return strings.NewReplacer(`\"`, `"`, `\$`, `$`, "\\`", "`", `\\`, `\`).Replace(s[1 : len(s)-1])
	}
	return s
}

func readKernel(ctx context.Context, h host.Reader) (any, error) {
	var release, cmdline any
	err := host.Ask(ctx,
		func(ctx context.Context) (err error) {
			release, err = line("/proc/sys/kernel/osrelease")(ctx, h)
			return err
		},
		func(ctx context.Context) (err error) { cmdline, err = line("/proc/cmdline")(ctx, h); return err },
	)
	if err != nil {
		return nil, err
	}
	return Kernel{Release: release.(string), Cmdline: cmdline.(string)}, nil
}

func readCPUs(ctx context.Context, h host.Reader) (any, error) {
	text, err := line("/sys/devices/system/cpu/online")(ctx, h)
	if err != nil {
		return nil, err
	}
	return parseCPUs(text.(string))
}

// parseCPUs counts a list of ranges: 0-3,8,10-11.
func parseCPUs(list string) (int, error) {
	n := 0
	for _, part := range strings.Split(list, ",") {
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			last = first
		}
		a, errA := strconv.Atoi(first)
		b, errB := strconv.Atoi(last)
		if errA != nil || errB != nil || b < a {
			return 0, fmt.Errorf("%q is not a list of processors", list)
		}
		n += b - a + 1
	}
	return n, nil
}

func readMemory(ctx context.Context, h host.Reader) (any, error) {
	text, err := h.ReadFile(ctx, "/proc/meminfo")
	if err != nil {
		return nil, err
	}
	return parseMemory(string(text))
}

// parseMemory reads /proc/meminfo, which counts in units of 1024 bytes and calls them kB.
func parseMemory(text string) (m Memory, err error) {
	fields := map[string]*int64{"MemTotal": &m.Total, "MemAvailable": &m.Available, "SwapTotal": &m.SwapTotal, "SwapFree": &m.SwapFree}
	for _, l := range strings.Split(text, "\n") {
		name, rest, _ := strings.Cut(l, ":")
		to, ok := fields[name]
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
		if err != nil {
			return m, fmt.Errorf("meminfo: %s is %q", name, strings.TrimSpace(rest))
		}
		*to = n * 1024
		delete(fields, name)
	}
	for name := range fields {
		return m, fmt.Errorf("meminfo has no %s", name)
	}
	return m, nil
}

func readUptime(ctx context.Context, h host.Reader) (any, error) {
	text, err := line("/proc/uptime")(ctx, h)
	if err != nil {
		return nil, err
	}
	first, _, _ := strings.Cut(text.(string), " ")
	seconds, err := strconv.ParseFloat(first, 64)
	if err != nil || !(seconds >= 0 && seconds < 1e12) { // NaN is neither, and a condition could not hold it
		return nil, fmt.Errorf("uptime is %q", first)
	}
	return seconds, nil
}
