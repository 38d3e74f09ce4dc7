package discover

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"bisc/internal/host"
)

// runtimeSeen is what runs or is configured now, beside what makes it so at boot (executors.md A2.25).
type runtimeSeen struct {
	sockets       string
	rules, rules6 string // as the kernel has them now
	saved, saved6 string // as netfilter-persistent restores them
	swaps         string
}

func (r *reader) askRuntime(s *runtimeSeen) []question {
	return []question{
		r.program(&s.sockets, "listeners", "ss", "-H", "-l", "-n", "-t", "-u", "-p"),
		r.program(&s.rules, "packet rules", "iptables-save"), r.program(&s.rules6, "packet rules", "ip6tables-save"),
		r.optional(&s.saved, "packet rules", "/etc/iptables/rules.v4"), r.optional(&s.saved6, "packet rules", "/etc/iptables/rules.v6"),
		r.optional(&s.swaps, "swap", "/proc/swaps"),
	}
}

// listener is a process that listens.
type listener struct {
	pid   int
	comm  string
	ports []string // udp:9100
	group string   // its control group, empty where it has ended meanwhile
}

var socketUser = regexp.MustCompile(`\("((?:[^"\\]|\\.)*)",pid=(\d+),`)

// parseSockets reads ss -Hlntup, a process each.
func parseSockets(text string) []listener {
	of := map[int]*listener{}
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) < 5 {
			continue
		}
		colon := strings.LastIndex(f[4], ":")
		port := f[0] + ":" + f[4][colon+1:]
		for _, m := range socketUser.FindAllStringSubmatch(line, -1) {
			pid, err := strconv.Atoi(m[2])
			if err != nil {
				continue
			}
			if of[pid] == nil {
				of[pid] = &listener{pid: pid, comm: m[1]}
			}
			if l := of[pid]; !slices.Contains(l.ports, port) {
				l.ports = append(l.ports, port)
			}
		}
	}
	var out []listener
	for _, l := range of {
		slices.Sort(l.ports)
		out = append(out, *l)
	}
	slices.SortFunc(out, func(a, b listener) int { return a.pid - b.pid })
	return out
}

// askGroups asks in which control group each process is: that tells who started it.
func (r *reader) askGroups(all []listener) (asks []question) {
	for i := range all {
		asks = append(asks, question{"listener", all[i].comm, func(ctx context.Context) error {
			text, err := r.ReadFile(ctx, fmt.Sprintf("/proc/%d/cgroup", all[i].pid))
			if errors.Is(err, fs.ErrNotExist) || errors.Is(err, host.ErrStuck) {
				return nil
			}
			all[i].group = groupOf(string(text))
			return err
		}})
	}
	return asks
}

// groupOf is the path in systemd's tree. A kernel may have that of the one hierarchy and that of the one named so, of which
// only one is in use; in the other all are in its root.
func groupOf(text string) string {
	out := ""
	for line := range strings.Lines(text) {
		f := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(f) == 3 && (f[1] == "name=systemd" || f[1] == "") && len(f[2]) > len(out) {
			out = f[2]
		}
	}
	return out
}

// remark tells of a process that somebody has started in a terminal, or that a transient unit holds: it ends with the
// session, or with the boot. Those of services are theirs, and those of containers the containers'.
func (l listener) remark(transient []Remark) (Remark, bool) {
	why := ""
	switch base := path.Base(l.group); {
	case strings.Contains(l.group, "/user.slice") && strings.HasSuffix(base, ".scope"), strings.Contains(l.group, "/user@"):
		why = "started in a session (" + base + "), no unit starts it at boot"
	case slices.ContainsFunc(transient, func(r Remark) bool { return r.Name == base }):
		why = "a transient unit (" + base + "), which the next boot does not have"
	default:
		return Remark{}, false
	}
	return Remark{Ephemeral, "listener", l.comm + " on " + strings.Join(l.ports, ", "), fmt.Sprintf("process %d: %s", l.pid, why)}, true
}

// unsaved gives the packet rules that are in force and not in the file that the boot restores. Those of docker and of
// Kubernetes are made anew by them. Comments and counters say nothing.
func unsaved(now, saved, family string) (out []Remark) {
	has := map[string]bool{}
	for line := range strings.Lines(saved) {
		has[strings.TrimSpace(line)] = true
	}
	table := ""
	for line := range strings.Lines(now) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "*"):
			table = line[1:]
		case !strings.HasPrefix(line, "-A "), has[line], madeAnew(line), strings.Contains(line, `--comment "bisc: `): // bisc's has a unit
		default:
			out = append(out, Remark{Ephemeral, "packet rule", family + " " + table + " " + line, "in force, and not in /etc/iptables/rules.v4 or rules.v6: a reboot loses it; a nat_rule or filter_rule keeps one"})
		}
	}
	return out
}

// madeAnew tells a rule that a daemon writes by itself: in a chain of its own, or into one, or for docker's own networks.
func madeAnew(rule string) bool {
	w := strings.Fields(rule)
	own := func(chain string) bool {
		return chain != "DOCKER-USER" && (strings.HasPrefix(chain, "DOCKER") || strings.HasPrefix(chain, "KUBE-") || strings.HasPrefix(chain, "CNI-") || strings.HasPrefix(chain, "f2b-"))
	}
	if len(w) > 1 && own(w[1]) || rule == "-A DOCKER-USER -j RETURN" {
		return true
	}
	for i, x := range w {
		if (x == "-j" || x == "-g") && i+1 < len(w) && (own(w[i+1]) || w[i+1] == "DOCKER-USER") {
			return true
		}
		if (x == "-i" || x == "-o") && i+1 < len(w) && (w[i+1] == "docker0" || strings.HasPrefix(w[i+1], "br-")) {
			return true
		}
	}
	return len(w) > 3 && w[1] == "POSTROUTING" && strings.HasSuffix(rule, "-j MASQUERADE") && strings.Contains(rule, "! -o docker0")
}

// swapRemarks are the swap areas in use of which fstab has nothing.
func swapRemarks(swaps, fstab string) (out []Remark) {
	for i, line := range strings.Split(strings.TrimSpace(swaps), "\n") {
		f := strings.Fields(line)
		if i == 0 || len(f) < 3 || strings.Contains(fstab, f[0]) {
			continue
		}
		out = append(out, Remark{Outside, "swap", f[0], "in use, and fstab does not name it by this path; bisc has no kind for swap"})
	}
	return out
}

// transients are the units that somebody started with systemd-run.
func (l locals) transients() (out []Remark) {
	for _, f := range l.files {
		if within(f.path, "/run/systemd/transient") && strings.HasSuffix(f.path, ".service") {
			out = append(out, Remark{Ephemeral, "unit", path.Base(f.path), "a transient unit: write a unit block to have it after a reboot"})
		}
	}
	return out
}
