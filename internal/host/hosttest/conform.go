package hosttest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
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
	out, err := c.Probe(c.ctx, "sh", "-c", "sleep 600 >/dev/null 2>&1 & echo started $!")
	must(t, err)
	pid, started := strings.CutPrefix(strings.TrimSpace(string(out.Stdout)), "started ")
	if !started {
		t.Fatalf("%q", out.Stdout)
	}
	// By its number: on a busy machine it is not yet called sleep.
	c.Shell(t, `kill -KILL "$1" || true; pkill -KILL -x sleep || true`, pid)
}
