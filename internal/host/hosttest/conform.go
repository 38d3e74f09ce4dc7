package hosttest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"

	"bisc/internal/host"
)

// Scratch is where and how the suite may prepare and look behind a writer's back.
type Scratch struct {
	// Dir is an empty folder on the host.
	Dir string
	// Shell runs a script as root on the host by other means than the writer, and gives its stdout. Nil for a fake,
	// which is then asked only what a fake can know.
	Shell func(t *testing.T, script string, args ...string) string
	// LongWord is how long a word of an argv may be; 0: as long as exec takes it.
	LongWord int
	// LongQuestions is how many questions of 3.5 kB are asked at once; 0: 400, which is more than any pipe or SSH window holds.
	LongQuestions int
	// Twice: what shares a flight with a question that hangs may be asked twice.
	Twice bool
}

// Conform runs the suite that every host.Writer must pass. open gives a fresh writer; Conform closes it.
func Conform(t *testing.T, open func(*testing.T) (host.Writer, Scratch)) {
	w, scratch := open(t)
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	for i, test := range conformTests() {
		conform(t, w, scratch, i, test)
	}
}

// ConformReads runs what of the suite only reads, for a host whose steps are of another kind (a switch's).
func ConformReads(t *testing.T, open func(*testing.T) (host.Reader, Scratch)) {
	r, scratch := open(t)
	for i, test := range conformTests() {
		if test.reads {
			conform(t, onlyReads{Reader: r}, scratch, i, test)
		}
	}
}

// onlyReads is a Reader in a Writer's place: a test that writes with it ends by the nil that it calls.
type onlyReads struct {
	host.Reader
	noWrites
}

// noWrites is one level down, so that the Reader's own methods are the ones that count.
type noWrites struct{ host.Writer }

// conform runs one test, in a folder of its own.
func conform(t *testing.T, w host.Writer, in Scratch, i int, test conformTest) {
	if in.Shell == nil && !test.fake {
		return
	}
	if in.Shell != nil {
		in.Dir = fmt.Sprintf("%s/%d", in.Dir, i)
		in.Shell(t, `mkdir "$1"`, in.Dir)
	}
	t.Run(test.name, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		t.Cleanup(cancel)
		test.run(conformance{w, in, ctx}, t)
	})
}

type conformTest struct {
	name  string
	fake  bool // a fake can run it
	reads bool // it writes nothing
	run   func(conformance, *testing.T)
}

func conformTests() []conformTest {
	return []conformTest{
		{"put and read back", true, false, conformance.putReadBack},
		{"edit", true, false, conformance.edit},
		{"absent is ErrNotExist", true, true, conformance.absent},
		{"only the read-only list", true, true, conformance.readOnly},
		{"answers", false, true, conformance.answers},
		{"argv is exact", false, true, conformance.argvExact},
		{"no such program", false, true, conformance.noProgram},
		{"large answers", false, true, conformance.large},
		{"many long words", false, false, conformance.longWords},
		{"long questions at once", false, true, conformance.longQuestions},
		{"one hangs, others answer", false, true, conformance.hang},
		{"a child left behind", false, true, conformance.leftBehind},
		{"stat", false, true, conformance.stat},
		{"mount id", false, true, conformance.mountID},
		{"read", false, true, conformance.read},
		{"glob", false, true, conformance.glob},
		{"pages", false, true, conformance.pages},
		{"pages that are refused", true, true, conformance.pagesRefused},
		{"a page hangs", false, true, conformance.pageHangs},
		{"script", false, false, conformance.script},
		{"guards", false, false, conformance.guards},
		{"script limit", false, false, conformance.scriptLimit},
		{"put replaces safely", false, false, conformance.putSafely},
		{"put refuses", false, false, conformance.putRefuses},
		{"many puts", false, false, conformance.manyPuts},
		{"edit keeps mode and owner", false, false, conformance.editKeeps},
		{"remove", true, false, conformance.remove},
		{"what is replaced is kept", false, false, conformance.kept},
		{"the last versions are kept", false, false, conformance.keptLast},
		{"a secret stays one", false, false, conformance.keptSecret},
		{"dead-man's switch: revert", false, false, conformance.revert},
		{"dead-man's switch: keep", false, false, conformance.keep},
		{"dead-man's switch: the host reverts", false, false, conformance.hostReverts},
		{"push", false, false, conformance.push},
		{"job", false, false, conformance.job},
	}
}

// conformance is what each test has at hand.
type conformance struct {
	host.Writer
	Scratch
	ctx context.Context
}

func (c conformance) path(name string) string { return c.Dir + "/" + name }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (c conformance) is(t *testing.T, name, want string) {
	t.Helper()
	b, err := c.ReadFile(c.ctx, name)
	must(t, err)
	if string(b) != want {
		t.Errorf("%s holds %.80q, want %.80q", name, b, want)
	}
}

func digestOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func (c conformance) putReadBack(t *testing.T) {
	name := c.path("back")
	must(t, c.Do(c.ctx, host.Put{Path: name, Content: []byte("a\x00b\n"), Mode: 0o640, Was: host.Absent}))
	c.is(t, name, "a\x00b\n")
	st, err := c.Stat(c.ctx, name)
	must(t, err)
	if st.Type != host.Regular || st.Mode != 0o640 || st.Size != 4 || st.UID != 0 || st.GID != 0 {
		t.Errorf("stat says %+v", st)
	}
}

func (c conformance) edit(t *testing.T) {
	name := c.path("edited")
	must(t, c.Do(c.ctx, host.Put{Path: name, Content: []byte("one\ntwo\nthree\n"), Mode: 0o644}))
	must(t, c.Do(c.ctx, host.Edit{Path: name, Drop: []string{"two"}, Add: []string{"2", "2.5"}}))
	c.is(t, name, "one\n2\n2.5\nthree\n")
	if err := c.Do(c.ctx, host.Edit{Path: name, Drop: []string{"two"}}); !errors.Is(err, host.ErrChanged) {
		t.Errorf("dropping a line that is gone: %v, want ErrChanged", err)
	}
	c.is(t, name, "one\n2\n2.5\nthree\n")
}

func (c conformance) absent(t *testing.T) {
	name := c.path("absent")
	if _, err := c.Stat(c.ctx, name); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("stat: %v", err)
	}
	if _, err := c.ReadFile(c.ctx, name); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("read: %v", err)
	}
}

func (c conformance) readOnly(t *testing.T) {
	for _, argv := range [][]string{{"rm", "-rf", "/"}, {"systemctl", "stop", "x"}, {"sh", "-c", "true", "x"}, {}} {
		if _, err := c.Query(c.ctx, argv...); !errors.Is(err, host.ErrNotReadOnly) {
			t.Errorf("%q: %v, want ErrNotReadOnly", argv, err)
		}
	}
}

func (c conformance) answers(t *testing.T) {
	out, err := c.Query(c.ctx, "id", "-u")
	must(t, err)
	if string(out.Stdout) != "0\n" || out.Exit != 0 {
		t.Errorf("id -u: %+v", out)
	}
	out, err = c.Probe(c.ctx, "sh", "-c", `printf 'o\000\036o'; printf 'e\000\377' >&2; exit 7`)
	must(t, err)
	if string(out.Stdout) != "o\x00\x1eo" || string(out.Stderr) != "e\x00\xff" || out.Exit != 7 {
		t.Errorf("%+v", out)
	}
	out, err = c.Probe(c.ctx, "sh", "-c", "kill -TERM $$")
	must(t, err)
	if out.Exit != 128+15 {
		t.Errorf("ended by signal 15: exit %d", out.Exit)
	}
	out, err = c.Probe(c.ctx, "sh", "-c", `cat; echo "$LC_ALL $PATH"`)
	must(t, err)
	if string(out.Stdout) != "C /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n" {
		t.Errorf("environment and empty stdin: %q", out.Stdout)
	}
}

// hostile are words that a shell, an option parser or a format would take for something else.
var hostile = []string{
	"", " ", "a b", "'", `"`, `\`, `a'b"c`, "$(id)", "`id`", "$HOME", "*", "?", "~", "#x", "a;id", "a|id", "a&", "-rf", "--", "\n", "a\nb\n",
	"\x01", "\x017", "\x1b[31m", "\x1e", "{path}", "%s%n", "!!", "\xff\xfe", "é\u202e", strings.Repeat("long ", 20), strings.Repeat("x", 100_000),
}

func (c conformance) argvExact(t *testing.T) {
	hostile := slices.DeleteFunc(slices.Clone(hostile), func(w string) bool { return c.LongWord > 0 && len(w) > c.LongWord })
	argv := append([]string{"printf", `%s\0`}, hostile...)
	for range 2 { // what is sent once and then by number must come out the same
		out, err := c.Probe(c.ctx, argv...)
		must(t, err)
		if got := strings.Split(strings.TrimSuffix(string(out.Stdout), "\x00"), "\x00"); !slices.Equal(got, hostile) {
			t.Fatalf("argv came out as %.300q", got)
		}
	}
	if _, err := c.Probe(c.ctx, "echo", "a\x00b"); err == nil {
		t.Error("a word with a NUL byte was taken")
	}
}

func (c conformance) noProgram(t *testing.T) {
	if _, err := c.Probe(c.ctx, "bisc-no-such-program", "x"); !errors.Is(err, host.ErrNoProgram) {
		t.Errorf("%v, want ErrNoProgram", err)
	}
	out, err := c.Probe(c.ctx, "sh", "-c", "exit 127")
	if err != nil || out.Exit != 127 {
		t.Errorf("a program that exits with 127: %+v, %v", out, err)
	}
}

func (c conformance) large(t *testing.T) {
	out, err := c.Probe(c.ctx, "head", "-c", "30000000", "/dev/zero")
	must(t, err)
	if len(out.Stdout) != 30_000_000 || len(bytes.Trim(out.Stdout, "\x00")) > 0 {
		t.Errorf("30 MB on stdout came as %d bytes", len(out.Stdout))
	}
	out, err = c.Probe(c.ctx, "sh", "-c", "head -c 30000000 /dev/zero >&2")
	must(t, err)
	if len(out.Stderr) != 30_000_000 {
		t.Errorf("30 MB on stderr came as %d bytes", len(out.Stderr))
	}
}

// longWords: ten megabytes of words are asked at once, and each answer is its question's.
func (c conformance) longWords(t *testing.T) {
	var questions []func(context.Context) error
	for i := range 500 {
		word := fmt.Sprintf("%05d", i) + strings.Repeat("x", 20_000)
		questions = append(questions, func(ctx context.Context) error {
			out, err := c.Probe(ctx, "echo", word)
			if err == nil && string(out.Stdout) != word+"\n" {
				err = fmt.Errorf("question %.5s got the answer %.20q", word, out.Stdout)
			}
			return err
		})
	}
	must(t, host.Ask(c.ctx, questions...))
}

func (c conformance) hang(t *testing.T) {
	ctx, cancel := context.WithCancel(c.ctx)
	const hanging = 3
	hung := make(chan error, hanging)
	for i := range hanging {
		go func() {
			_, err := c.Probe(ctx, "sleep", fmt.Sprint(600+i))
			hung <- err
		}()
	}
	for i := range 20 {
		out, err := c.Probe(c.ctx, "echo", fmt.Sprint(i))
		must(t, err)
		if string(out.Stdout) != fmt.Sprintln(i) {
			t.Errorf("%q", out.Stdout)
		}
	}
	cancel()
	for range hanging {
		if err := <-hung; !errors.Is(err, context.Canceled) {
			t.Errorf("the one that hangs: %v", err)
		}
	}
}

func (c conformance) leftBehind(t *testing.T) {
	out, err := c.Probe(c.ctx, "sh", "-c", "sleep 600 >/dev/null 2>&1 & echo started")
	must(t, err)
	if string(out.Stdout) != "started\n" {
		t.Errorf("%q", out.Stdout)
	}
	c.Shell(t, "pkill -KILL -x sleep || true")
}

func (c conformance) stat(t *testing.T) {
	c.Shell(t, `cd "$1"; echo hello >file; chown 12:34 file; chmod 4751 file; mkdir folder; chmod 1777 folder; ln -s file link; ln -s nowhere dangling
		mkfifo fifo; mknod block b 7 300; mknod char c 1 3; mkdir "odd name
"; ln -s folder/ "to folder"; touch -d @1000000000 file`, c.Dir)
	want := map[string]host.Stat{
		"file":        {Type: host.Regular, Mode: 0o4751, UID: 12, GID: 34, Size: 6},
		"folder":      {Type: host.Directory, Mode: 0o1777},
		"link":        {Type: host.Regular, Mode: 0o4751, UID: 12, GID: 34, Size: 6, Link: "file"},
		"to folder":   {Type: host.Directory, Mode: 0o1777, Link: "folder/"},
		"dangling":    {Type: host.Dangling, Mode: 0o777, Link: "nowhere"},
		"fifo":        {Type: host.Fifo, Mode: 0o644},
		"block":       {Type: host.Block, Mode: 0o644, Rdev: host.DeviceID{Major: 7, Minor: 300}},
		"char":        {Type: host.Char, Mode: 0o644, Rdev: host.DeviceID{Major: 1, Minor: 3}},
		"odd name\n":  {Type: host.Directory, Mode: 0o755},
		"odd name\n/": {Type: host.Directory, Mode: 0o755},
	}
	for name, want := range want {
		got, err := c.Stat(c.ctx, c.path(name))
		must(t, err)
		inode := strings.TrimSpace(c.Shell(t, `stat -L -c %i -- "$1" 2>/dev/null || stat -c %i -- "$1"`, c.path(name)))
		if fmt.Sprint(got.Inode) != inode {
			t.Errorf("%q: inode %d, want %s", name, got.Inode, inode)
		}
		if want.Size == 0 {
			got.Size = 0
		}
		if got.UID != want.UID || got.GID != want.GID || got.Type != want.Type || got.Mode != want.Mode || got.Size != want.Size || got.Link != want.Link || got.Rdev != want.Rdev {
			t.Errorf("%q: %+v, want %+v", name, got, want)
		}
		if want.Type == host.Regular && got.ModTime.Unix() != 1_000_000_000 {
			t.Errorf("%q: modified %s", name, got.ModTime)
		}
	}
	if _, err := c.Stat(c.ctx, c.path("file/below")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("below a file: %v", err)
	}
}

func (c conformance) mountID(t *testing.T) {
	c.Shell(t, `cd "$1"; mkdir -p "m t/in" plain; mount -t tmpfs one "m t"; mkdir "m t/in"; mount -t tmpfs two "m t"; mkdir "m t/in"; ln -s "m t/in" through`, c.Dir)
	defer c.Shell(t, `umount "$1/m t"; umount "$1/m t"`, c.Dir)
	// Two mounts cover the same place; the second one's parent is the first.
	lines := c.Shell(t, `grep -F "$1/m\\040t" /proc/self/mountinfo`, c.Dir)
	var ids, parents []string
	for line := range strings.Lines(lines) {
		f := strings.Fields(line)
		ids, parents = append(ids, f[0]), append(parents, f[1])
	}
	if len(ids) != 2 {
		t.Fatalf("mountinfo: %s", lines)
	}
	top := ids[0]
	if slices.Contains(parents, top) {
		top = ids[1]
	}
	for _, name := range []string{"m t", "m t/in", "through"} {
		st, err := c.Stat(c.ctx, c.path(name))
		must(t, err)
		if fmt.Sprint(st.MountID) != top {
			t.Errorf("%s: mount %d, want %s", name, st.MountID, top)
		}
	}
	out, err := c.Stat(c.ctx, c.path("plain"))
	must(t, err)
	in, err := c.Stat(c.ctx, c.Dir)
	must(t, err)
	if out.MountID != in.MountID || out.MountID == 0 || fmt.Sprint(out.MountID) == top {
		t.Errorf("beside the mount: %d, above it: %d", out.MountID, in.MountID)
	}
}

func (c conformance) read(t *testing.T) {
	c.Shell(t, `cd "$1"; printf 'a\000b\n\n' >nul; : >empty; head -c 3000000 /dev/zero >big; mkdir dir; mkfifo pipe; ln -s nul lnk`, c.Dir)
	c.is(t, c.path("nul"), "a\x00b\n\n")
	c.is(t, c.path("lnk"), "a\x00b\n\n")
	c.is(t, c.path("empty"), "")
	c.is(t, c.path("big"), strings.Repeat("\x00", 3_000_000))
	c.is(t, "/proc/sys/kernel/ostype", "Linux\n")
	for _, name := range []string{"dir", "pipe"} {
		if b, err := c.ReadFile(c.ctx, c.path(name)); err == nil || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %q, %v", name, b, err)
		}
	}
	if _, err := c.ReadFile(c.ctx, "relative"); err == nil {
		t.Error("a relative path was read")
	}
}

func (c conformance) glob(t *testing.T) {
	c.Shell(t, `cd "$1"; mkdir g; cd g; : >b; : >a; : >"c d"; : >.hidden; : >'star*'; ln -s nowhere dangling; mkdir sub; : >sub/x`, c.Dir)
	dir := c.path("g")
	for pattern, want := range map[string][]string{
		"/*": {"/a", "/b", "/c d", "/dangling", "/star*", "/sub"}, "/[ab]": {"/a", "/b"}, "/? ?": {"/c d"}, "/*/x": {"/sub/x"}, "/nope*": nil, "/a": {"/a"},
		`/star\*`: {"/star*"}, "/none/*": nil, "/{a,b}": nil,
	} {
		got, err := c.Glob(c.ctx, dir+pattern)
		must(t, err)
		for i := range got {
			got[i] = strings.TrimPrefix(got[i], dir)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", pattern, got, want)
		}
	}
}

func (c conformance) script(t *testing.T) {
	name := c.path("canary")
	argv := append([]string{"sh", "-c", `out=$1; shift; { cat; printf '%s\0' "$@"; } >"$out"`, "x", name}, hostile...)
	must(t, c.Do(c.ctx, host.Script{Argv: argv, Stdin: []byte("in\x00put\n")}))
	if got := c.Shell(t, `cat "$1"`, name); got != "in\x00put\n"+strings.Join(hostile, "\x00")+"\x00" {
		t.Errorf("the canary saw %.300q", got)
	}
	large := bytes.Repeat([]byte("z\x00"), 2_000_000)
	must(t, c.Do(c.ctx, host.Script{Argv: []string{"sh", "-c", `cat >"$1"`, "x", name}, Stdin: large}))
	if got := c.Shell(t, `sha256sum <"$1"`, name); !strings.HasPrefix(got, digestOf(large)) {
		t.Error("4 MB of input came out differently")
	}
	must(t, c.Do(c.ctx, host.Script{Argv: []string{"true"}, Stdin: large})) // a program need not read
	err := c.Do(c.ctx, host.Script{Argv: []string{"sh", "-c", "echo first >&2; echo why >&2; exit 3"}})
	var exit *host.ExitError
	if !errors.As(err, &exit) || exit.Exit != 3 || string(exit.Stderr) != "first\nwhy\n" || exit.Argv[0] != "sh" {
		t.Errorf("exit 3: %v", err)
	}
	if err := c.Do(c.ctx, host.Script{Argv: []string{"bisc-no-such-program"}}); !errors.Is(err, host.ErrNoProgram) {
		t.Errorf("no such program: %v", err)
	}
}

func (c conformance) guards(t *testing.T) {
	name := c.path("guarded")
	act := func(text string, args ...string) error {
		return c.Do(c.ctx, host.Script{Argv: []string{"touch", name}, Guards: []host.Guard{{Name: "test", Text: text, Args: args}}})
	}
	var refused *host.GuardError
	if err := act(`echo "because $1"; exit 10`, "a b"); !errors.As(err, &refused) || refused.Unknown || refused.Reason != "because a b" {
		t.Errorf("exit 10: %v", err)
	}
	if err := act(`exit 1`); !errors.As(err, &refused) || !refused.Unknown {
		t.Errorf("exit 1: %v", err)
	}
	put := host.Put{Path: name, Content: []byte("x"), Mode: 0o600, Guards: []host.Guard{{Name: "test", Text: "echo no; exit 10"}}}
	if err := c.Do(c.ctx, put); !errors.As(err, &refused) || refused.Reason != "no" {
		t.Errorf("put: %v", err)
	}
	if _, err := c.Stat(c.ctx, name); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a refused act was done: %v", err)
	}
	must(t, act(`[ "$1" = yes ]`, "yes"))
	must(t, c.Do(c.ctx, host.Put{Path: name, Content: []byte("y"), Mode: 0o600, Guards: []host.Guard{{Name: "test", Text: "exit 0"}}}))
	c.is(t, name, "y")
	c.noTemp(t)
}

func (c conformance) scriptLimit(t *testing.T) {
	err := c.Do(c.ctx, host.Script{Argv: []string{"sh", "-c", "sleep 600 & sleep 600"}, Limit: time.Second})
	var exit *host.ExitError
	if !errors.As(err, &exit) || !exit.Stuck {
		t.Errorf("%v, want a stuck ExitError", err)
	}
	must(t, c.Do(c.ctx, host.Script{Argv: []string{"true"}}))
	// A killed process is gone once its parent, or the first process, has taken note: on a busy machine a moment later.
	if left := c.Shell(t, `for i in $(seq 100); do left=$(pgrep -x -r D,R,S sleep) || exit 0; sleep 0.2; done; echo "$left"`); left != "" {
		t.Errorf("the group lives on: %s", left)
	}
}

func (c conformance) noTemp(t *testing.T) {
	t.Helper()
	if left := c.Shell(t, `find "$1" -name '.bisc-tmp-*'`, c.Dir); left != "" {
		t.Errorf("temporary files are left: %s", left)
	}
}

func (c conformance) putSafely(t *testing.T) {
	name := c.path("put")
	must(t, c.Do(c.ctx, host.Put{Path: name, Content: []byte("old"), Mode: 0o600, UID: 5, GID: 6, Was: host.Absent}))
	c.Shell(t, `: >"$1/.bisc-tmp-0-dead-put"`, c.Dir)
	big := bytes.Repeat([]byte("0123456789abcde\n"), 100_000)
	must(t, c.Do(c.ctx, host.Put{Path: name, Content: big, Mode: 0o4755, UID: 7, GID: 8, Was: digestOf([]byte("old")), Verify: []string{"cmp", "{path}", "{path}"}}))
	c.is(t, name, string(big))
	if got := c.Shell(t, `stat -c '%a %u %g' "$1"`, name); got != "4755 7 8\n" {
		t.Errorf("mode and owner: %s", got)
	}
	c.noTemp(t)
	// A link at the path is replaced; what it points to is not touched.
	c.Shell(t, `cd "$1"; echo target >target; ln -s target lnk`, c.Dir)
	must(t, c.Do(c.ctx, host.Put{Path: c.path("lnk"), Content: []byte("new"), Mode: 0o644}))
	if got := c.Shell(t, `cd "$1"; cat target; readlink lnk || true; cat lnk`, c.Dir); got != "target\nnew" {
		t.Errorf("through the link: %q", got)
	}
	odd := c.path("-odd '$(id)' \"\n")
	must(t, c.Do(c.ctx, host.Put{Path: odd, Content: nil, Mode: 0o644}))
	c.is(t, odd, "")
}

func (c conformance) putRefuses(t *testing.T) {
	name := c.path("refused")
	must(t, c.Do(c.ctx, host.Put{Path: name, Content: []byte("old"), Mode: 0o600}))
	put := host.Put{Path: name, Content: []byte("new"), Mode: 0o600}
	for _, was := range []string{host.Absent, digestOf([]byte("other"))} {
		put.Was = was
		if err := c.Do(c.ctx, put); !errors.Is(err, host.ErrChanged) {
			t.Errorf("was %s: %v", was, err)
		}
	}
	put.Was = digestOf([]byte("new"))
	put.Path = c.path("not there")
	if err := c.Do(c.ctx, put); !errors.Is(err, host.ErrChanged) {
		t.Errorf("it is gone: %v", err)
	}
	put.Path, put.Was, put.Verify = name, "", []string{"sh", "-c", `grep -q good "$1" || { echo bad; exit 9; }`, "x", "{path}"}
	var exit *host.ExitError
	if err := c.Do(c.ctx, put); !errors.As(err, &exit) || exit.Exit != 9 || !strings.Contains(string(exit.Stderr), "bad") {
		t.Errorf("verify: %v", err)
	}
	put.Verify, put.Path = nil, c.path("no folder/x")
	if err := c.Do(c.ctx, put); err == nil || !strings.Contains(err.Error(), "No such file or directory") {
		t.Errorf("no folder: %v", err)
	}
	c.Shell(t, `cd "$1"; mkdir full; mount -t tmpfs -o size=64k full full`, c.Dir)
	defer c.Shell(t, `umount "$1/full"`, c.Dir)
	put.Path, put.Content = c.path("full/x"), make([]byte, 200_000)
	if err := c.Do(c.ctx, put); err == nil || !strings.Contains(err.Error(), "No space left on device") || !strings.Contains(err.Error(), c.path("full")+")") {
		t.Errorf("full: %v", err)
	}
	c.is(t, name, "old")
	c.noTemp(t)
}

func (c conformance) manyPuts(t *testing.T) {
	var questions []func(context.Context) error
	for i := range 100 {
		p := host.Put{Path: c.path(fmt.Sprintf("many%d", i)), Content: fmt.Appendf(nil, "%d\n", i), Mode: 0o644}
		questions = append(questions, func(ctx context.Context) error { return c.Do(ctx, p) })
	}
	must(t, host.Ask(c.ctx, questions...))
	if got := c.Shell(t, `cd "$1"; cat many* | sort -n | uniq | wc -l`, c.Dir); strings.TrimSpace(got) != "100" {
		t.Errorf("%s files of 100", got)
	}
	c.noTemp(t)
}

func (c conformance) editKeeps(t *testing.T) {
	name := c.path("fstab")
	c.Shell(t, `printf 'a\nb\n' >"$1"; chmod 2640 "$1"; chown 9:10 "$1"; chmod 2640 "$1"`, name)
	var questions []func(context.Context) error
	for i := range 5 {
		questions = append(questions, func(ctx context.Context) error {
			return c.Do(ctx, host.Edit{Path: name, Add: []string{fmt.Sprint(i)}})
		})
	}
	must(t, host.Ask(c.ctx, questions...)) // each sees what the one before wrote
	if got := c.Shell(t, `stat -c '%a %u %g' "$1"; sort "$1"`, name); got != "2640 9 10\n0\n1\n2\n3\n4\na\nb\n" {
		t.Errorf("%q", got)
	}
	if err := c.Do(c.ctx, host.Edit{Path: name, Add: []string{"x"}, Verify: []string{"false"}}); err == nil {
		t.Error("a failed verify was passed over")
	}
	c.Shell(t, `ln -s fstab "$1/linked"`, c.Dir)
	if err := c.Do(c.ctx, host.Edit{Path: c.path("linked"), Add: []string{"x"}}); err == nil {
		t.Error("a link was edited")
	}
	must(t, c.Do(c.ctx, host.Edit{Path: c.path("new"), Add: []string{"x"}}))
	c.is(t, c.path("new"), "x\n")
}

func (c conformance) push(t *testing.T) {
	content := bytes.Repeat([]byte("fedcba9876543210"), 300_000)
	p := host.Push{
		Path: c.path("pushed"), Digest: digestOf(content), Size: int64(len(content)), Mode: 0o600, UID: 1, GID: 2,
		Source: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil },
	}
	must(t, c.Do(c.ctx, p))
	if got := c.Shell(t, `stat -c '%a %u %g' "$1"; sha256sum <"$1"`, p.Path); got != "600 1 2\n"+p.Digest+"  -\n" {
		t.Errorf("%q", got)
	}
	p.Digest = digestOf([]byte("other"))
	if err := c.Do(c.ctx, p); err == nil {
		t.Error("a wrong digest was taken")
	}
	p.Digest, p.Size = digestOf(content), p.Size+1
	if err := c.Do(c.ctx, p); err == nil {
		t.Error("a source that is too short was taken")
	}
	p.Path = c.path("nowhere/pushed")
	if err := c.Do(c.ctx, p); err == nil {
		t.Error("a push into no folder went well")
	}
	if got := c.Shell(t, `sha256sum <"$1"`, c.path("pushed")); got != digestOf(content)+"  -\n" {
		t.Errorf("the old file was hurt: %s", got)
	}
	c.noTemp(t)
}

func (c conformance) job(t *testing.T) {
	c.Shell(t, `cd /run/systemd/system
		printf '[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\n' >bisc-good.service
		printf '[Service]\nType=oneshot\nExecStart=/bin/sh -c "echo the reason; exit 5"\n' >bisc-bad.service
		systemctl daemon-reload`)
	must(t, c.Do(c.ctx, host.Job{Verb: "start", Unit: "bisc-good.service"}))
	if got := c.Shell(t, "systemctl is-active bisc-good.service"); got != "active\n" {
		t.Errorf("after start: %s", got)
	}
	must(t, c.Do(c.ctx, host.Job{Verb: "stop", Unit: "bisc-good.service"}))
	if got := c.Shell(t, "systemctl is-active bisc-good.service || true"); got != "inactive\n" {
		t.Errorf("after stop: %s", got)
	}
	var exit *host.ExitError
	err := c.Do(c.ctx, host.Job{Verb: "start", Unit: "bisc-bad.service"})
	if !errors.As(err, &exit) || !strings.Contains(err.Error(), "failed") || !strings.Contains(string(exit.Stderr), "the reason") {
		t.Errorf("a failing unit: %v", err)
	}
	if err := c.Do(c.ctx, host.Job{Verb: "start", Unit: "bisc-none.service"}); !errors.As(err, &exit) {
		t.Errorf("no such unit: %v", err)
	}
	if err := c.Do(c.ctx, host.Job{Verb: "explode", Unit: "x"}); err == nil {
		t.Error("a verb that is none was taken")
	}
}
