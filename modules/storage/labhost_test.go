package storage_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"bisc/internal/host"
	"bisc/internal/lab"
	"bisc/layers"
	"bisc/modules"
)

// labHost is a lab host as a host.Writer, by the side door: what the kinds do is tested here, not how it travels.
type labHost struct {
	*lab.Host
	steps []string
}

func (l *labHost) Name() string { return l.Host.Name }

func (l *labHost) run(ctx context.Context, stdin []byte, argv ...string) (host.Output, error) {
	cmd, err := l.Command(ctx, argv...)
	if err != nil {
		return host.Output{}, err
	}
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(stdin), &out, &errs
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		return host.Output{}, err
	}
	return host.Output{Stdout: out.Bytes(), Stderr: errs.Bytes(), Exit: cmd.ProcessState.ExitCode()}, nil
}

func (l *labHost) Query(ctx context.Context, argv ...string) (host.Output, error) {
	if err := host.ReadOnly(argv); err != nil {
		return host.Output{}, err
	}
	return l.run(ctx, nil, argv...)
}

func (l *labHost) Show(context.Context, string) ([]byte, error) { return nil, host.ErrNoSwitch }

func (l *labHost) Probe(ctx context.Context, argv ...string) (host.Output, error) {
	return l.run(ctx, nil, argv...)
}

func (l *labHost) ReadFile(ctx context.Context, name string) ([]byte, error) {
	if !strings.HasPrefix(name, "/proc/") {
		return os.ReadFile(l.Root() + name)
	}
	return l.Exec(ctx, "cat", "--", name)
}

func (l *labHost) Stat(_ context.Context, name string) (host.Stat, error) {
	var st unix.Statx_t
	at := l.Root() + name
	link, _ := os.Readlink(at)
	if err := unix.Statx(unix.AT_FDCWD, at, 0, unix.STATX_BASIC_STATS|unix.STATX_MNT_ID, &st); err != nil {
		if link != "" && errors.Is(err, unix.ENOENT) {
			return host.Stat{Type: host.Dangling, Link: link}, nil
		}
		return host.Stat{}, &fs.PathError{Op: "stat", Path: name, Err: err}
	}
	types := map[uint16]host.FileType{unix.S_IFREG: host.Regular, unix.S_IFDIR: host.Directory, unix.S_IFBLK: host.Block, unix.S_IFCHR: host.Char}
	return host.Stat{
		Type: types[st.Mode&unix.S_IFMT], Link: link, Mode: uint32(st.Mode) & 0o7777, UID: st.Uid, GID: st.Gid, Size: int64(st.Size),
		Dev: host.DeviceID{Major: st.Dev_major, Minor: st.Dev_minor}, Rdev: host.DeviceID{Major: st.Rdev_major, Minor: st.Rdev_minor},
		Inode: st.Ino, MountID: int(st.Mnt_id),
	}, nil
}

func (l *labHost) Glob(_ context.Context, pattern string) ([]string, error) {
	found, err := filepath.Glob(l.Root() + pattern)
	for i := range found {
		found[i] = strings.TrimPrefix(found[i], l.Root())
	}
	return found, err
}

func (l *labHost) Get(context.Context, host.Endpoint, string) (host.Response, error) {
	return host.Response{}, errors.ErrUnsupported // no kind of storage asks for a page
}

func (l *labHost) Kube(context.Context, host.KubeQuery) ([]byte, error) {
	return nil, host.ErrForwarding
}

func (l *labHost) Docker(context.Context, host.DockerQuery) ([]byte, error) {
	return nil, host.ErrForwarding
}

func (l *labHost) RPC(context.Context, host.RPCQuery) ([]byte, error) { return nil, host.ErrForwarding }

func (l *labHost) Do(ctx context.Context, s host.Step) error {
	l.steps = append(l.steps, s.String())
	switch s := s.(type) {
	case host.Script:
		out, err := l.run(ctx, s.Stdin, s.Command()...)
		if err != nil {
			return err
		}
		return host.Verdict(s.Argv, out)
	case host.Put:
		return l.write(ctx, s.Path, s.Content, s.Verify)
	case host.Edit:
		old, err := os.ReadFile(l.Root() + s.Path)
		if err != nil {
			return err
		}
		edited, err := host.EditLines(old, s.Drop, s.Add)
		if err != nil {
			return err
		}
		return l.write(ctx, s.Path, edited, s.Verify)
	}
	return fmt.Errorf("the test's host does no %T", s)
}

func (l *labHost) write(ctx context.Context, name string, content []byte, verify []string) error {
	temp := name + ".new"
	if err := os.WriteFile(l.Root()+temp, content, 0o644); err != nil {
		return err
	}
	if len(verify) > 0 {
		argv := slices.Clone(verify)
		for i := range argv {
			argv[i] = strings.ReplaceAll(argv[i], "{path}", temp)
		}
		out, err := l.run(ctx, nil, argv...)
		if err != nil || out.Exit != 0 {
			return fmt.Errorf("verify: %w: %s%s", err, out.Stdout, out.Stderr)
		}
	}
	return os.Rename(l.Root()+temp, l.Root()+name)
}

func (l *labHost) Arm(context.Context, host.Undo) error        { return nil }
func (l *labHost) Afresh(context.Context) (host.Reader, error) { return l, nil }
func (l *labHost) Stages() bool                                { return false }
func (l *labHost) Commit(context.Context) error                { return nil }
func (l *labHost) Confirm(context.Context) error               { return nil }
func (l *labHost) Revert(context.Context) error                { return nil }
func (l *labHost) Close() error                                { return nil }

// bench is a lab host with a plan on it.
type bench struct {
	t     *testing.T
	host  *labHost
	stage *layers.Stage
}

func newBench(t *testing.T, opts lab.HostOptions, resources ...modules.Resource) *bench {
	t.Helper()
	l := lab.ForTest(t, lab.Options{Hosts: []lab.HostOptions{opts}})
	b := &bench{t: t, host: &labHost{Host: l.Host(opts.Name)}}
	b.want(resources...)
	return b
}

// want replaces the plan.
func (b *bench) want(resources ...modules.Resource) {
	b.t.Helper()
	b.stage = &layers.Stage{Layer: layers.Storage, Name: "storage", Host: b.host.Host.Name}
	for _, r := range resources {
		if v, ok := r.(modules.Validator); ok {
			if err := v.Validate(); err != nil {
				b.t.Fatalf("%s: %v", address(r), err)
			}
		}
		if n, ok := r.(modules.Neighbour); ok {
			n.Meet(resources)
		}
		b.stage.Items = append(b.stage.Items, layers.Item{Address: address(r), Resource: r})
	}
}

// address is the kind and the last part of the label.
func address(r modules.Resource) string {
	kind := strings.ToLower(strings.TrimPrefix(fmt.Sprintf("%T", r), "*storage."))
	return kind + " " + path.Base(reflect.ValueOf(r).Elem().Field(0).String())
}

func (b *bench) shell(script string) string {
	b.t.Helper()
	out, err := b.host.Shell(b.t.Context(), script)
	if err != nil {
		b.t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// Reader and Writer make the bench layers.Hosts.
func (b *bench) Reader(context.Context, string) (host.Reader, error) { return b.host, nil }
func (b *bench) Writer(context.Context, string) (host.Writer, error) { return b.host, nil }

// plan gives what differs, a line a diff: "mount solana boot options: a -> b", and why where there is one.
func (b *bench) plan() []string {
	b.t.Helper()
	return said(b.t, layers.ObserveAll(b.t.Context(), []*layers.Stage{b.stage}, b, layers.Options{}))
}

func said(t *testing.T, rep layers.Report) (out []string) {
	t.Helper()
	for _, h := range rep {
		if h.Err != nil {
			t.Fatal(h.Err)
		}
	}
	for _, o := range rep.Outcomes() {
		if o.Err != nil {
			out = append(out, o.Item.Address+" error: "+o.Err.Error())
		}
		for _, d := range append(o.Change.Diffs, o.Left...) {
			half, why := "now", ""
			if d.Boot {
				half = "boot"
			}
			if d.Why != "" {
				why = "  (" + d.Why + ")"
			}
			out = append(out, fmt.Sprintf("%s %s %s: %s -> %s%s", o.Item.Address, half, d.Attr, d.Got, d.Want, why))
		}
	}
	return out
}

// apply climbs until nothing is left to do and gives what the last round says.
func (b *bench) apply(destroy ...string) []string {
	b.t.Helper()
	named := map[string]bool{}
	for _, a := range destroy {
		named[a] = true
	}
	rep, err := layers.Climb{
		Stages: []*layers.Stage{b.stage}, Hosts: b,
		Acting:  layers.Acting{Options: layers.Options{Destroy: named}, Record: layers.NoRecord{}},
		Approve: func(int, layers.Report) (bool, error) { return true, nil },
	}.Run(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	var out []string
	for _, o := range rep.Outcomes() {
		if o.State != layers.InSync && o.State != layers.Changed {
			out = append(out, fmt.Sprintf("%s is %s %s %v", o.Item.Address, o.State, o.Reason, o.Err))
		}
	}
	return append(out, said(b.t, rep)...)
}

// clean fails unless the plan is empty.
func (b *bench) clean(when string) {
	b.t.Helper()
	if left := b.plan(); len(left) > 0 {
		b.t.Errorf("%s the plan is not empty:\n%s", when, strings.Join(left, "\n"))
	}
}

// attrs gives the plan short: kind, label, half and attribute of each diff, with a ! where it is left alone.
func (b *bench) attrs() (out []string) {
	b.t.Helper()
	for _, line := range b.plan() {
		head, rest, _ := strings.Cut(line, ": ")
		if strings.Contains(rest, "  (") {
			head += "!"
		}
		out = append(out, head)
	}
	return out
}

// breaks does something to the host by hand and wants the plan to name exactly that, apply to mend it, and nothing left.
func (b *bench) breaks(situation, script string, want []string, destroy ...string) {
	b.t.Helper()
	b.shell(script)
	if diff := cmp.Diff(want, b.attrs()); diff != "" {
		b.t.Errorf("%s: the plan: %s\n%s", situation, diff, strings.Join(b.plan(), "\n"))
	}
	if left := b.apply(destroy...); len(left) > 0 {
		b.t.Errorf("%s: apply left:\n%s", situation, strings.Join(left, "\n"))
	}
	b.clean("after mending: " + situation)
}
