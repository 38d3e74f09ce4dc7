package job

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"bisc/internal/host"
	"bisc/internal/lab"
	"bisc/internal/lab/reached"
)

// bench is a lab host, reached as an operator would.
type bench struct {
	*reached.Bench
	t *testing.T
}

func (b *bench) start(j Job) error {
	for _, s := range j.Start() {
		if err := b.Hands(b.t).Do(b.t.Context(), s); err != nil {
			return err
		}
	}
	return nil
}

// until reads the job until it is in a phase.
func (b *bench) until(j Job, want func(State) bool) State {
	b.t.Helper()
	var st State
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		var err error
		if st, err = j.Read(b.t.Context(), b.Hands(b.t)); err != nil {
			b.t.Fatal(err)
		}
		if want(st) {
			return st
		}
	}
	b.t.Fatalf("the job is still %s: %+v", st, st)
	return st
}

func in(p Phase) func(State) bool { return func(s State) bool { return s.Phase == p } }

// TestJobsOnAHost starts, finds, refuses, ends and loses jobs on a real systemd.
func TestJobsOnAHost(t *testing.T) {
	b := &bench{Bench: reached.New(t, lab.ForTest(t, lab.Names("jobs")).Host("jobs")), t: t}

	hostile := []string{"$HOME", "${PATH}", "$$", "%n %%", `a "b" 'c' \d`, "two\nlines", "", "-x", "é"}
	env := map[string]string{"PLAIN": "a b", "HARD": "q\"u'o\\t`e$HOME\nsecond %n", "EMPTY": ""}
	show := `id -un; id -Gn; pwd; for a; do printf '<%s>\n' "$a"; done; printf '{%s}{%s}{%s}\n' "$PLAIN" "$HARD" "$EMPTY"`
	b.Shell(b.t, "groupadd -f jobbers; id jobber >/dev/null 2>&1 || useradd -m -G jobbers jobber; mkdir -p /srv/work; chmod 755 /srv/work")
	words := Job{ID: "words.1", Argv: append([]string{"/bin/sh", "-c", strings.ReplaceAll(show, "\n", " "), "x"}, hostile...), Env: env, User: "jobber", Dir: "/srv/work", Limit: time.Minute}
	if st, err := words.Read(t.Context(), b.Hands(b.t)); err != nil || st.Phase != None {
		t.Fatalf("before it was started: %+v, %v", st, err)
	}
	if err := b.start(words); err != nil {
		t.Fatal(err)
	}
	st := b.until(words, in(Done))
	want := "jobber\njobber jobbers\n/srv/work\n"
	for _, a := range hostile {
		want += "<" + a + ">\n"
	}
	want += fmt.Sprintf("{%s}{%s}{%s}\n", env["PLAIN"], env["HARD"], env["EMPTY"])
	if st.Tail != want || st.Exit != 0 || st.Command == "" {
		t.Errorf("the job wrote\n%s\nwant\n%s\n%+v", st.Tail, want, st)
	}
	if left := b.Shell(b.t, "ls /var/lib/bisc/jobs/words.1; stat -c %a /var/lib/bisc/jobs/words.1"); strings.Contains(left, "environment") || !strings.HasSuffix(left, "700") {
		t.Errorf("its folder: %s", left)
	}

	fails := Job{ID: "fails", Argv: []string{"/bin/sh", "-c", "echo one; echo last words >&2; exit 7"}}
	if err := b.start(fails); err != nil {
		t.Fatal(err)
	}
	if st := b.until(fails, in(Failed)); st.Exit != 7 || st.LastLine != "last words" {
		t.Errorf("the one that fails: %+v", st)
	}
	slow := Job{ID: "slow", Argv: []string{"/bin/sh", "-c", "sleep 300 & sleep 300"}, Limit: time.Second}
	if err := b.start(slow); err != nil {
		t.Fatal(err)
	}
	if st := b.until(slow, in(Failed)); !strings.Contains(st.How, "limit of 1s") || b.Shell(b.t, "pgrep -cx sleep || true") != "0" {
		t.Errorf("the one over its limit: %+v", st)
	}

	b.prunes()
	b.refuses()
	b.survives()
}

// prunes: what has ended long ago, and nothing else.
func (b *bench) prunes() {
	for _, id := range []string{"kept-old", "kept-young", "kept-starting", "spared-old"} {
		j := Job{ID: id, Argv: []string{"/bin/true"}}
		if err := b.start(j); err != nil {
			b.t.Fatal(err)
		}
		b.until(j, in(Done))
	}
	if err := b.start(Job{ID: "kept-runs", Argv: []string{"/bin/sleep", "600"}}); err != nil {
		b.t.Fatal(err)
	}
	b.Shell(b.t, `cd /var/lib/bisc/jobs; find kept-old kept-runs kept-starting spared-old -exec touch -d '8 days ago' {} +; mkdir kept-strange; touch -d '8 days ago' kept-strange
		ln -s kept-young kept-link; systemd-run --quiet --unit=starting flock "$PWD/kept-starting/lock" sleep 600; timeout 20 sh -c 'while flock -n kept-starting/lock true; do sleep 0.1; done'`)
	if err := b.Hands(b.t).Do(b.t.Context(), Prune("kept-", 7)); err != nil {
		b.t.Error(err)
	}
	if left := b.Shell(b.t, "cd /var/lib/bisc/jobs; echo kept-* spared-*"); left != "kept-link kept-runs kept-starting kept-strange kept-young spared-old" {
		b.t.Errorf("the folders left: %s", left)
	}
	b.Shell(b.t, "systemctl stop starting bisc-job-kept-runs; rm -r /var/lib/bisc/jobs/kept-* /var/lib/bisc/jobs/spared-*")
}

// refuses: one at a time, and none where a guard says no or systemd cannot.
func (b *bench) refuses() {
	t := b.t
	long := Job{ID: "long", Argv: []string{"/bin/sh", "-c", `printf '10%%\r 41.5%% of it\r'; exec sleep 600`}, Limit: 5 * time.Minute}
	if err := b.start(long); err != nil {
		t.Fatal(err)
	}
	st := b.until(long, func(s State) bool { return s.LastLine != "" })
	if st.Phase != Running || st.Percent != 41.5 || st.LastLine != "41.5% of it" || st.Left() <= 4*time.Minute || st.Left() > 5*time.Minute {
		t.Errorf("the long one: %+v, %s left", st, st.Left())
	}
	pid := b.Shell(b.t, "systemctl show -p MainPID --value bisc-job-long.service")
	var guard *host.GuardError
	if err := b.start(long); !errors.As(err, &guard) || guard.Guard != "job not at work" {
		t.Fatalf("a second start: %v", err)
	}
	if err := b.Hands(b.t).Do(t.Context(), long.Forget()); !errors.As(err, &guard) {
		t.Fatalf("forgotten while it runs: %v", err)
	}
	unguarded := long.Start()[0].(host.Script) // the script itself, of a controller that raced
	unguarded.Guards = nil
	if err := b.Hands(b.t).Do(t.Context(), unguarded); err == nil || !strings.Contains(err.Error(), "is at work") {
		t.Fatalf("a second start that no guard saw: %v", err)
	}
	if now := b.Shell(b.t, "systemctl show -p MainPID --value bisc-job-long.service"); now != pid || pid == "0" {
		t.Errorf("the process was %s and is %s", pid, now)
	}
	other := Job{ID: "guarded", Argv: []string{"/bin/touch", "/guarded"}, Guards: []host.Guard{{Name: "never", Text: "echo no; exit 10"}}}
	if err := b.start(other); !errors.As(err, &guard) || guard.Guard != "never" || b.Shell(b.t, "ls /guarded /var/lib/bisc/jobs/guarded 2>/dev/null || true") != "" {
		t.Errorf("a guard: %v", err)
	}
	missing := Job{ID: "missing", Argv: []string{"/no/such/program"}}
	if err := b.start(missing); err == nil {
		t.Error("a program that there is not was started")
	}
	if st := b.until(missing, in(Failed)); !strings.Contains(st.How, "could not start") {
		t.Errorf("a program that there is not: %+v", st)
	}
	b.Shell(b.t, "printf '#!/no/such/shell\n' >/usr/local/bin/shelless; chmod 755 /usr/local/bin/shelless")
	shelless := Job{ID: "shelless", Argv: []string{"/usr/local/bin/shelless"}}
	if err := b.start(shelless); err == nil {
		t.Error("a program without its shell was started")
	}
	if st := b.until(shelless, in(Failed)); st.Exit != 203 {
		t.Errorf("a program without its shell: %+v", st)
	}
	nobody := Job{ID: "nobody", Argv: []string{"/bin/true"}, User: "no-such-user"}
	if err := b.start(nobody); err == nil {
		t.Error("a user that there is not was taken")
	}
	if st := b.until(nobody, in(Failed)); !strings.Contains(st.How, "could not start") {
		t.Errorf("a user that there is not: %+v", st)
	}
}

// survives: a lost connection, and, truthfully, both ways in which a host goes down.
func (b *bench) survives() {
	t := b.t
	long := Job{ID: "long", Limit: 5 * time.Minute}
	pid := b.Shell(b.t, "systemctl show -p MainPID --value bisc-job-long.service")
	b.Cut()
	if st := b.until(long, in(Running)); b.Shell(b.t, "systemctl show -p MainPID --value bisc-job-long.service") != pid {
		t.Errorf("after the connection: %+v", st)
	}
	if err := b.Lab.Reboot(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.Cut()
	if st := b.until(long, in(Failed)); st.How != "it was running when the host went down" {
		t.Errorf("after a reboot: %+v", st)
	}
	again := Job{ID: "long", Argv: []string{"/bin/sleep", "600"}}
	if err := b.start(again); err != nil {
		t.Fatalf("started again after the reboot: %v", err)
	}
	b.until(again, in(Running))
	if err := b.Lab.Kill(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := b.Lab.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.Cut()
	if st := b.until(again, in(Lost)); st.How != "it was running when the host went down" {
		t.Errorf("after a loss of power: %+v", st)
	}
	if err := b.Hands(b.t).Do(t.Context(), again.Forget()); err != nil {
		t.Error(err)
	}
	all, err := List(t.Context(), b.Hands(b.t))
	ids := ""
	for _, s := range all {
		ids += s.ID + " "
	}
	if err != nil || ids != "fails missing nobody shelless slow words.1 " {
		t.Errorf("the jobs left: %s, %v", ids, err)
	}
}
