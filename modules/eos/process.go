package eos

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"bisc/internal/host"
	"bisc/modules"
)

// process is what was observed of a daemon's process.
type process struct {
	said      string // why there is none; empty: there is one
	pid       int64
	began     string        // in ticks since the boot, as the kernel writes it: with pid, which process it is
	age       time.Duration // at the time of the look
	arguments []string
	digest    string // of what runs; empty: not looked at
	want      string // the digest that it must have; empty: there is no such file
}

// daemons is what is read of show daemon NAME [V: running, pid].
type daemons struct {
	Daemons map[string]struct {
		Running *bool  `json:"running"`
		PID     *int64 `json:"pid"`
	} `json:"daemons"`
}

// observe asks ProcMgr, then the kernel.
func (d *Daemon) observe(ctx context.Context, h host.Reader) (p process, err error) {
	command := "show daemon " + d.Name
	var said daemons
	var refused *host.ShowError
	switch err := host.ShowJSON(ctx, h, command, &said); {
	case errors.As(err, &refused) && !refused.Denied && !refused.Unconverted: // a daemon that it does not know is an error, no empty answer [V]
		p.said = strings.TrimSpace(refused.Text)
	case err != nil:
		return p, fmt.Errorf("what ProcMgr says of %s: %w", d.Name, err)
	default:
		of, known := said.Daemons[d.Name]
		switch {
		case !known || of.Running == nil || *of.Running && of.PID == nil:
			return p, fmt.Errorf("what ProcMgr says of %s: the answer to %q does not tell whether it runs: it has a shape that this bisc does not know", d.Name, command)
		case !*of.Running || *of.PID == 0:
			p.said = "not running"
		default:
			p.pid = *of.PID
		}
	}
	return p, host.Ask(ctx,
		func(ctx context.Context) error { return d.kernel(ctx, h, &p) },
		func(ctx context.Context) (err error) { p.want, err = d.wanted(ctx, h); return err },
	)
}

// kernel asks what the process is. One that has ended meanwhile is an answer.
func (d *Daemon) kernel(ctx context.Context, h host.Reader, p *process) error {
	if p.pid == 0 {
		return nil
	}
	proc := fmt.Sprintf("/proc/%d/", p.pid)
	var stat, uptime, cmdline []byte
	questions := []func(context.Context) error{
		func(ctx context.Context) (err error) { stat, err = h.ReadFile(ctx, proc+"stat"); return err },
		func(ctx context.Context) (err error) { uptime, err = h.ReadFile(ctx, "/proc/uptime"); return err },
		func(ctx context.Context) (err error) { cmdline, err = h.ReadFile(ctx, proc+"cmdline"); return err },
	}
	if d.program() != "" {
		questions = append(questions, func(ctx context.Context) (err error) {
			p.digest, err = host.FileDigest(ctx, h, proc+"exe")
			return err
		})
	}
	err := host.Ask(ctx, questions...)
	if errors.Is(err, fs.ErrNotExist) {
		p.said = fmt.Sprintf("process %d has ended", p.pid)
		return nil
	}
	if err != nil {
		return fmt.Errorf("what runs as %s: %w", d.Name, err)
	}
	p.arguments = strings.Split(strings.TrimSuffix(string(cmdline), "\x00"), "\x00")
	p.began, p.age, err = ageOf(string(stat), string(uptime))
	return err
}

// ticks is how many of the kernel's ticks /proc counts in a second, on every Linux of these machines (USER_HZ).
const ticks = 100

// ageOf reads /proc/PID/stat, whose 22nd field is when the process began, and /proc/uptime.
func ageOf(stat, uptime string) (began string, age time.Duration, err error) {
	fields := strings.Fields(stat[strings.LastIndex(stat, ")")+1:]) // the name may hold blanks and parentheses
	up, _, _ := strings.Cut(uptime, " ")
	seconds, upErr := strconv.ParseFloat(up, 64)
	if len(fields) < 20 || upErr != nil {
		return "", 0, fmt.Errorf("when the process began: /proc says %.80q, and %.40q of the time", stat, uptime)
	}
	begun, err := strconv.ParseInt(fields[19], 10, 64)
	if err != nil {
		return "", 0, fmt.Errorf("when the process began: %w", err)
	}
	return fields[19], time.Duration((seconds - float64(begun)/ticks) * float64(time.Second)).Round(time.Millisecond), nil
}

// wanted is the digest that the process must have: that of what a neighbour puts there, else that of the file as it is. Empty: there
// is no such file, or it is not looked at.
func (d *Daemon) wanted(ctx context.Context, h host.Reader) (string, error) {
	at := d.program()
	if at == "" {
		return "", nil
	}
	for _, r := range d.all {
		f, ok := r.(flashProgram)
		if !ok {
			continue
		}
		name, digest, err := f.OnFlash(ctx, h)
		if err != nil {
			return "", fmt.Errorf("the program that the plan puts at %s: %w", at, err)
		}
		if name == at {
			return digest, nil
		}
	}
	digest, err := host.FileDigest(ctx, h, at)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return digest, err
}

// judge says what the process lacks, and ends one that is not of its file or of its exec line. inForce: the configuration is as
// wanted.
func (d *Daemon) judge(c *modules.Change, p process, inForce bool) {
	switch {
	case p.said != "" && inForce:
		c.Differ("process", p.said, "running: show agent "+d.Name+" logs tells how it ended")
		return
	case p.said != "":
		return // it is not what is to come
	}
	before := len(c.Diffs)
	if d.program() != "" {
		c.Differ("program", host.ShortDigest(p.digest), orNoFile(p.want))
	}
	if got := strings.Join(p.arguments, " "); inForce && !d.wrapped() {
		c.Differ("arguments", got, d.Exec)
	}
	if p.want == "" && d.program() != "" {
		c.Refuse("program", "(none)", d.program(), "the file is gone: what runs is lost with its process, and nothing in this plan puts it there")
		return
	}
	if len(c.Diffs) > before || !inForce && strings.Join(p.arguments, " ") != d.Exec {
		c.Do(host.Script{Argv: []string{"sh", "-c", restart, "restart", fmt.Sprint(p.pid), p.began}, Limit: 30 * time.Second})
		c.Settle = d.Steady + settle
		return
	}
	if p.age < d.Steady {
		// No age in the words: what is observed again before a step must read the same.
		c.Differ("steady", fmt.Sprintf("process %d is younger than %s", p.pid, d.Steady), fmt.Sprintf("the same process for %s (one that is started again and again never is: show agent %s logs)", d.Steady, d.Name))
	}
}

// wrapped tells whether exec begins with another program than the one that stays: ip netns exec puts the wanted one in its own
// place, and the arguments are then those behind it.
func (d *Daemon) wrapped() bool {
	return d.Program == "none" || d.program() != strings.SplitN(d.Exec, " ", 2)[0]
}

// restart ends the process $1, if it is still the one that began at $2; the fields behind its name, which may hold blanks, tell. One
// that is gone needs no end. ProcMgr starts the next, with the program and the exec line as they are then.
const restart = `same() { l=$(cat "/proc/$1/stat" 2>/dev/null) && b=$2 && set -- ${l##*) } && [ "${20}" = "$b" ]; }; same "$1" "$2" || exit 0; kill -TERM "$1"; ` +
	`for i in 1 2 3 4 5; do same "$1" "$2" || exit 0; sleep 1; done; kill -KILL "$1"`

func orNoFile(digest string) string {
	if digest == "" {
		return "(no file)"
	}
	return host.ShortDigest(digest)
}
