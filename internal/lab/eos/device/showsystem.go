package device

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

func showSystem() []shower {
	plain := func(f func(d *Device) answer) func(*Shell, []string) (answer, error) {
		return func(s *Shell, _ []string) (answer, error) { return f(s.d), nil }
	}
	return []shower{
		{words: "version", open: true, answer: plain((*Device).showVersion)},
		{words: "hostname", open: true, answer: plain(func(d *Device) answer {
			return answer{fmt.Sprintf("Hostname: %s\nFQDN:     %s\n", d.hostname(), d.hostname()), object{{"hostname", d.hostname()}, {"fqdn", d.hostname()}}}
		})},
		{words: "clock", open: true, answer: plain((*Device).showClock)},
		{words: "uptime", open: true, answer: plain((*Device).showUptime)},
		{words: "reload cause", open: true, answer: plain((*Device).showReload)},
		{words: "zerotouch", answer: plain(func(*Device) answer { return answer{"ZeroTouch Mode: Disabled\n", object{{"mode", "disabled"}}} })},
		{words: "boot-config", answer: plain(func(d *Device) answer {
			return answer{"Software image: " + d.o.Image + "\nConsole speed: (not set)\nAboot password (encrypted): (not set)\n", object{{"softwareImage", d.o.Image}}}
		})},
		{words: "logging", max: 4, answer: (*Shell).showLogging},
		{words: "users", answer: (*Shell).showUsers},
		{words: "users detail", answer: (*Shell).showUsers},
		{words: "history", answer: func(*Shell, []string) (answer, error) { return answer{}, nil }},
	}
}

// showVersion: keys of show/napalm/show_version.json, text of text/ntc/arista_eos_show_version2.raw.
func (d *Device) showVersion() answer {
	o, up := d.o, d.uptime()
	internal := o.Version + "-00000000." + strings.ReplaceAll(strings.TrimRight(o.Version, "FM"), ".", "") + o.Version[len(o.Version)-1:]
	dotted := dottedMAC(o.MAC)
	text := fmt.Sprintf(`Arista %s
Hardware version: 11.00
Serial number: %s
Hardware MAC address: %s
System MAC address: %s

Software image version: %s
Architecture: x86_64
Internal build version: %s
Internal build ID: 00000000-0000-0000-0000-000000000000
Image format version: 3.0
Image optimization: DEFAULT

Kernel version: 5.10.210.Ar

Uptime: %s
Total memory: 32811284 kB
Free memory: 27000000 kB

`, o.Model, o.Serial, dotted, dotted, o.Version, internal, spell(up))
	return answer{text, object{{"mfgName", "Arista"}, {"modelName", o.Model}, {"hardwareRevision", "11.00"}, {"serialNumber", o.Serial},
		{"systemMacAddress", o.MAC}, {"hwMacAddress", o.MAC}, {"configMacAddress", "00:00:00:00:00:00"}, {"version", o.Version}, {"architecture", "x86_64"},
		{"internalVersion", internal}, {"internalBuildId", "00000000-0000-0000-0000-000000000000"}, {"imageFormatVersion", "3.0"},
		{"imageOptimization", "DEFAULT"}, {"kernelVersion", "5.10.210.Ar"}, {"bootupTimestamp", seconds(d.booted)}, {"uptime", up.Seconds()},
		{"memTotal", 32811284}, {"memFree", 27000000}, {"isIntlVersion", false}}}
}

func dottedMAC(mac string) string {
	hex := strings.ReplaceAll(mac, ":", "")
	if len(hex) != 12 {
		return mac
	}
	return hex[:4] + "." + hex[4:8] + "." + hex[8:]
}

// spell writes a time as "1 hour and 16 minutes" (text/ntc/arista_eos_show_version_clab.raw).
func spell(d time.Duration) string {
	var parts []string
	for _, u := range []struct {
		name string
		long time.Duration
	}{{"week", 7 * 24 * time.Hour}, {"day", 24 * time.Hour}, {"hour", time.Hour}, {"minute", time.Minute}} {
		n := int(d / u.long)
		d %= u.long
		if n > 1 {
			parts = append(parts, fmt.Sprintf("%d %ss", n, u.name))
		} else if n == 1 || u.name == "minute" {
			parts = append(parts, strings.TrimSuffix(fmt.Sprintf("%d %ss", n, u.name), map[bool]string{true: "s"}[n == 1]))
		}
	}
	if len(parts) == 1 {
		return parts[0]
	}
	return strings.Join(parts[:len(parts)-1], ", ") + " and " + parts[len(parts)-1]
}

// showClock: text/ntc/arista_eos_show_clock.raw, show/anta/show_clock.
func (d *Device) showClock() answer {
	now := d.o.Now().UTC()
	return answer{now.Format("Mon Jan _2 15:04:05 2006") + "\nTimezone: UTC\nClock source: local\n", object{{"utcTime", seconds(now)}, {"timezone", "UTC"},
		{"localTime", object{{"year", now.Year()}, {"month", int(now.Month())}, {"dayOfMonth", now.Day()}, {"hour", now.Hour()}, {"min", now.Minute()},
			{"sec", now.Second()}, {"dayOfWeek", (int(now.Weekday()) + 6) % 7}, {"dayOfYear", now.YearDay()}, {"daylightSavingsAdjust", 0}}},
		{"clockSource", object{{"local", true}}}}}
}

// showUptime: the keys are those of eos.md E.
func (d *Device) showUptime() answer {
	now := d.o.Now()
	return answer{fmt.Sprintf(" %s up %s,  %d user,  load average: 0.10, 0.10, 0.10\n", now.UTC().Format("15:04:05"), spell(d.uptime()), len(d.contexts)),
		object{{"upTime", d.uptime().Seconds()}, {"loadAvg", []float64{0.1, 0.1, 0.1}}, {"users", len(d.contexts)}, {"currentTime", seconds(now)}}}
}

// showReload: show/anta/show_reload_cause.
func (d *Device) showReload() answer {
	last := d.reloads[len(d.reloads)-1]
	text := "Reload Cause 1:\n-------------------\n" + last.why + "\n\nReload Time:\n------------\nReload occurred at " + last.at.UTC().Format("Mon Jan _2 15:04:05 2006") +
		" UTC.\n\nRecommended Action:\n-------------------\nNo action necessary.\n\nDebugging Information:\n----------------------\nNone available.\n"
	return answer{text, object{{"resetCauses", []object{{{"description", last.why}, {"timestamp", seconds(last.at)}, {"recommendedAction", "No action necessary."},
		{"debugInfoIsDir", false}}}}, {"full", false}}}
}

// showLogging is "show logging [last N (seconds|minutes|hours|days)] [threshold SEVERITY]"; without arguments its head is that of
// show/anta/show_logging.
func (s *Shell) showLogging(args []string) (answer, error) {
	since, least, head := time.Time{}, 7, "Syslog logging: enabled\n    Buffer logging: level debugging\n\nLog Buffer:\n"
	for len(args) > 0 {
		head = ""
		switch {
		case args[0] == "last" && len(args) >= 3:
			n, err := strconv.Atoi(args[1])
			unit, known := map[string]time.Duration{"second": time.Second, "minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}[strings.TrimSuffix(args[2], "s")]
			if err != nil || !known {
				return answer{}, invalid(4, args[1])
			}
			since, args = s.d.o.Now().Add(-time.Duration(n)*unit), args[3:]
		case args[0] == "threshold" && len(args) >= 2:
			if least = severity(args[1]); least < 0 {
				return answer{}, invalid(4, args[1])
			}
			args = args[2:]
		default:
			return answer{}, invalid(3, args[0])
		}
	}
	var b strings.Builder
	b.WriteString(head)
	for _, m := range s.d.messages {
		if !m.at.Before(since) && m.severity() <= least {
			b.WriteString(m.at.UTC().Format("Jan _2 15:04:05 ") + m.text + "\n")
		}
	}
	return answer{text: b.String()}, nil
}

func severity(name string) int {
	for i, n := range strings.Fields("emergencies alerts critical errors warnings notifications informational debugging") {
		if n == name || strconv.Itoa(i) == name {
			return i
		}
	}
	return -1
}

// severity is the digit in "%SYS-5-CONFIG...".
func (m message) severity() int {
	_, rest, _ := strings.Cut(m.text, ": %")
	if parts := strings.SplitN(rest, "-", 3); len(parts) == 3 {
		if n, err := strconv.Atoi(parts[1]); err == nil {
			return n
		}
	}
	return 6
}

// showUsers: text only ([U]: no public JSON).
func (s *Shell) showUsers([]string) (answer, error) {
	var b strings.Builder
	b.WriteString("    Line      User        Host(s)       Idle        Location\n")
	contexts := slices.SortedFunc(maps.Keys(s.d.contexts), func(a, b *Shell) int { return strings.Compare(a.tty, b.tty) })
	for i, c := range contexts {
		n := i + 1
		mark := " "
		if c == s {
			mark = "*"
		}
		fmt.Fprintf(&b, "%s   %d %s   %s   idle   00:00:00   %s\n", mark, n, c.tty, c.user, c.from)
	}
	return answer{text: b.String()}, nil
}
