package agave

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"time"

	"bisc/hostbin/snapshots"
	"bisc/internal/host"
	"bisc/modules"
)

// Tells is the validator, by its RPC.
func (v *ValidatorHealth) Tells() (topic, of string) { return "validator", v.RPC }

// Tell says which process there is, since when, with how much memory, how far it is and how it goes.
func (v *ValidatorHealth) Tell(ctx context.Context, h host.Reader, window time.Duration) []modules.Fact {
	var health, processes []modules.Fact
	_ = host.Ask(ctx, // each is a fact of its own, also where it is not known
		func(ctx context.Context) error { health = v.tellHealth(ctx, h, window); return nil },
		func(ctx context.Context) error { processes = tellProcesses(ctx, h); return nil })
	return append(processes, health...)
}

func (v *ValidatorHealth) tellHealth(ctx context.Context, h host.Reader, window time.Duration) []modules.Fact {
	now, err := ReadHealth(ctx, h, HealthQuery{RPC: v.RPC, ClusterRPC: v.ClusterRPC, Window: window})
	switch {
	case err != nil:
		return modules.NotKnown("slots", err)
	case now.State != Answers:
		return []modules.Fact{{Topic: "slots", Text: fmt.Sprintf("%s: its RPC at %s is silent", now.State, v.RPC)}}
	}
	f := modules.Fact{Topic: "slots", Text: fmt.Sprintf("own %d", now.Slot), Numbers: map[string]float64{"slot": float64(now.Slot)}}
	if now.Word != "" && now.Word != "ok" {
		f.Text += ", says " + now.Word
	}
	switch {
	case !now.GapKnown && now.GapUnknown != nil:
		f.Text += ", the cluster's is not known: " + now.GapUnknown.Error()
		f.Unknown = v.ClusterRPC != "" // else nobody was asked
	case now.GapKnown:
		f.Text += fmt.Sprintf(", cluster %d, %d behind", now.ClusterSlot, now.Gap)
		f.Numbers["cluster_slot"], f.Numbers["gap"] = float64(now.ClusterSlot), float64(now.Gap)
	}
	if closing, known := now.Closing(); known {
		f.Text += fmt.Sprintf(", closing by %.1f slots/s", closing)
		f.Numbers["closing_per_second"] = closing
	}
	if eta, known := now.ETA(); known && now.Gap > 0 {
		f.Text += fmt.Sprintf(", there in %s", eta)
		f.Numbers["eta_seconds"] = eta.Seconds()
	}
	return []modules.Fact{f}
}

// tellProcesses reads the process table, whatever docker and the cluster say.
func tellProcesses(ctx context.Context, h host.Reader) []modules.Fact {
	var all []Process
	var unread error
	var uptime []byte
	var whose homes
	err := host.Ask(ctx,
		func(ctx context.Context) (err error) { all, unread, err = readProcesses(ctx, h); return err },
		func(ctx context.Context) (err error) { whose, err = readHomes(ctx, h, ""); return err },
		func(ctx context.Context) (err error) { uptime, err = h.ReadFile(ctx, "/proc/uptime"); return err })
	if err = errors.Join(err, unread); err != nil {
		return modules.NotKnown("validator", err)
	}
	if len(all) == 0 {
		return []modules.Fact{{Topic: "validator", Text: "no process"}}
	}
	var out []modules.Fact
	for _, p := range all {
		f := modules.Fact{Topic: "validator", Text: p.String(), Wrong: p.State == Stuck || len(all) > 1, Numbers: map[string]float64{"pid": float64(p.PID)}}
		if home, told := whose.of[identity{p.PID, p.Start}]; told && (home.Pod == "" || len(all) > 1) {
			f.Text += "; " + home.String()
		}
		word, _, _ := strings.Cut(string(uptime), " ")
		if up, err := strconv.ParseFloat(word, 64); err == nil {
			for_ := time.Duration((up - float64(p.Start)/ticks) * float64(time.Second)).Round(time.Second)
			if p.State == Running {
				f.Text += fmt.Sprintf(", for %s", for_)
			} else { // how long it lives is not how long it ends, or stands still
				f.Text += fmt.Sprintf("; it was started %s ago", for_)
			}
			f.Numbers["uptime_seconds"] = for_.Seconds()
		}
		out = append(out, f, tellMemory(ctx, h, p.PID))
	}
	return out
}

// ticks are the kernel's a second, in which /proc/PID/stat counts a start (USER_HZ, the same on every Linux of ours).
const ticks = 100

// mostGroups is how many control groups above a process are asked for their limit: the container's, the pod's, and what they lie in.
const mostGroups = 8

// tellMemory reads what the control groups of a process say: the tightest limit above it, and whom the kernel has killed for want of
// memory. It is read on the host, so that it is told where docker and the cluster do not answer.
func tellMemory(ctx context.Context, h host.Reader, pid int) modules.Fact {
	f := modules.Fact{Topic: "memory"}
	groups, err := groupsOf(ctx, h, pid)
	if err != nil {
		return modules.NotKnown("memory", err)[0]
	}
	if len(groups) == 0 {
		f.Text = "not counted: no control group of version 2 holds the process"
		return f
	}
	m := readGroups(ctx, h, groups)
	switch {
	case m.err != nil:
		return modules.NotKnown("memory", m.err)[0]
	case m.used < 0:
		f.Text = "not counted: no control group of the process has a memory controller of version 2"
		return f
	}
	f.Numbers = map[string]float64{"used_bytes": m.used, "oom_kills": m.kills}
	f.Text = modules.Bytes(m.used).String() + " in use, no limit"
	if m.limit >= 0 {
		f.Text = fmt.Sprintf("%s in use of %s, %s left", modules.Bytes(m.used), modules.Bytes(m.limit), modules.Bytes(m.limit-m.limited))
		f.Numbers["limit_bytes"], f.Numbers["headroom_bytes"] = m.limit, m.limit-m.limited
	}
	if f.Wrong = m.kills > 0; f.Wrong {
		f.Text += fmt.Sprintf("; the kernel has killed %d times for want of memory", int(m.kills))
	}
	return f
}

// groupsOf are the folders of a process's control group of version 2, and of those above it; none where no such group holds it.
func groupsOf(ctx context.Context, h host.Reader, pid int) (groups []string, err error) {
	b, err := h.ReadFile(ctx, fmt.Sprintf("/proc/%d/cgroup", pid))
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(b)) {
		if at, ok := strings.CutPrefix(strings.TrimSpace(line), "0::"); ok {
			for ; at != "/" && at != "." && len(groups) < mostGroups; at = path.Dir(at) {
				groups = append(groups, "/sys/fs/cgroup"+at)
			}
		}
	}
	return groups, nil
}

// memory is what control groups say. used is -1 where none counts; limited is what is in use under the tightest limit; limit is -1
// where there is none.
type memory struct {
	used, limit, limited, kills float64
	tightest                    string // the group of limit
	err                         error
}

func readGroups(ctx context.Context, h host.Reader, groups []string) memory {
	current, most, events := make([]string, len(groups)), make([]string, len(groups)), make([]string, len(groups))
	var ask []func(context.Context) error
	for i, g := range groups {
		for name, into := range map[string]*string{"memory.current": &current[i], "memory.max": &most[i], "memory.events": &events[i]} {
			ask = append(ask, func(ctx context.Context) error {
				b, err := h.ReadFile(ctx, g+"/"+name)
				if errors.Is(err, fs.ErrNotExist) {
					return nil // a group without the controller
				}
				*into = strings.TrimSpace(string(b))
				return err
			})
		}
	}
	m := memory{limit: -1, used: -1}
	if m.err = host.Ask(ctx, ask...); m.err != nil {
		return m
	}
	for i := range groups {
		used, err := strconv.ParseFloat(current[i], 64)
		if err != nil {
			continue
		}
		if m.used < 0 {
			m.used = used
		}
		if limit, err := strconv.ParseFloat(most[i], 64); err == nil && (m.limit < 0 || limit-used < m.limit-m.limited) {
			m.limit, m.limited, m.tightest = limit, used, groups[i]
		}
	}
	// Kills are counted with those of the groups below: the pod's own group says them all, and is below the kubelet's slice.
	for _, text := range events {
		for line := range strings.Lines(text) {
			if n, ok := strings.CutPrefix(line, "oom_kill "); ok {
				v, _ := strconv.ParseFloat(strings.TrimSpace(n), 64)
				m.kills = max(m.kills, v)
			}
		}
	}
	return m
}

// Tells is the folder.
func (s *Snapshot) Tells() (topic, of string) { return "snapshots", s.Path }

// Tell lists the pairs on disk, the newest first, and how old they are by the host's clock.
func (s *Snapshot) Tell(ctx context.Context, h host.Reader, _ time.Duration) []modules.Fact {
	files, there, err := Held(ctx, h, s.Path)
	switch {
	case err != nil:
		return modules.NotKnown("snapshots", fmt.Errorf("%s: %w", s.Path, err))
	case !there:
		return []modules.Fact{{Topic: "snapshots", Text: s.Path + ": no such folder"}}
	}
	newest := map[string]time.Time{}
	for _, one := range files {
		newest[one.Name] = one.Modified
	}
	pairs := snapshots.Pairs(snapshots.Usable(files))
	f := modules.Fact{Topic: "snapshots", Text: fmt.Sprintf("%s: %s", s.Path, map[bool]string{true: "1 pair", false: fmt.Sprintf("%d pairs", len(pairs))}[len(pairs) == 1]), Numbers: map[string]float64{"pairs": float64(len(pairs))}}
	for i, p := range pairs[:min(2, len(pairs))] {
		last := p.Full
		if p.Incremental != nil {
			last = *p.Incremental
		}
		at := newest[last.Name()]
		f.Text += fmt.Sprintf("; %s, written %s", p, at.UTC().Format("2006-01-02 15:04Z"))
		if i == 0 {
			f.Numbers["newest_slot"], f.Numbers["newest_unix"] = float64(p.Slot()), float64(at.Unix())
		}
	}
	return []modules.Fact{f}
}
