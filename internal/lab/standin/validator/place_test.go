package validator

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bisc/internal/lab/solana/key"
)

// place is a validator's folders.
type place struct {
	t                *testing.T
	dir, program     string
	ledger, accounts string
	snapshots, log   string
	identity, pubkey string
	rpc              string
}

func newPlace(t *testing.T) *place {
	t.Helper()
	dir := t.TempDir()
	p := &place{t: t, dir: dir, program: filepath.Join(dir, "agave-validator"), ledger: filepath.Join(dir, "ledger"), accounts: filepath.Join(dir, "accounts"),
		snapshots: filepath.Join(dir, "snapshots"), log: filepath.Join(dir, "log", "validator.log"), identity: filepath.Join(dir, "id.json")}
	self, err := os.ReadFile("/proc/self/exe")
	p.check(err)
	p.check(os.WriteFile(p.program, self, 0o755))
	for _, d := range []string{p.ledger, p.snapshots} {
		p.check(os.Mkdir(d, 0o755))
	}
	p.pubkey, err = key.Write(p.identity, "a")
	p.check(err)
	p.rpc = freePort(t)
	return p
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

func (p *place) check(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// args are what start-rpc.sh would call it with, with folders of the test.
func (p *place) args() []string {
	return []string{"--identity", p.identity, "--no-voting", "--ledger", p.ledger, "--accounts", p.accounts, "--snapshots", p.snapshots, "--log", p.log,
		"--rpc-port", p.rpc, "--gossip-port", freePort(p.t), "--dynamic-port-range", freePort(p.t) + "-65535", "--bind-address", "127.0.0.1", "--no-snapshot-fetch"}
}

// start starts a validator, which ends with the test at the latest.
func (p *place) start(change func(*exec.Cmd)) *exec.Cmd {
	p.t.Helper()
	cmd := exec.Command(p.program, p.args()...)
	cmd.Stderr = os.Stderr
	if change != nil {
		change(cmd)
	}
	p.check(cmd.Start())
	p.t.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill() // it may have ended
			_ = cmd.Wait()
		}
	})
	return cmd
}

func (p *place) until(what string, good func() bool) {
	p.t.Helper()
	for end := time.Now().Add(limit); !good(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			text, _ := os.ReadFile(p.log)
			p.t.Fatalf("not after %s: %s\nlog:\n%s", limit, what, text)
		}
	}
}

func (p *place) health() string {
	r, err := http.Get("http://127.0.0.1:" + p.rpc + "/health")
	if err != nil {
		return ""
	}
	defer r.Body.Close()
	text, _ := io.ReadAll(r.Body)
	return string(text)
}

func (p *place) ask(method, params string) answer {
	p.t.Helper()
	r, err := http.Post("http://127.0.0.1:"+p.rpc, "application/json", strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"`+method+`","params":`+params+`}`))
	p.check(err)
	defer r.Body.Close()
	var a answer
	p.check(json.NewDecoder(r.Body).Decode(&a))
	return a
}

func (p *place) exit(args ...string) string {
	p.t.Helper()
	out, err := exec.Command(p.program, append([]string{"--ledger", p.ledger, "exit"}, args...)...).CombinedOutput()
	if err != nil {
		p.t.Fatalf("exit %q: %v: %s", args, err, out)
	}
	return string(out)
}

func (p *place) events() (events []string) {
	p.t.Helper()
	runs, err := ReadRuns(filepath.Dir(p.log))
	p.check(err)
	for _, r := range runs {
		events = append(events, r.Event)
	}
	return events
}

// pair puts a full archive and one on top of it into the snapshot folder, by name alone.
func (p *place) pair(base, tip uint64) {
	for _, name := range []string{fmt.Sprintf("snapshot-%d-%s.tar.zst", base, key.Hash("a")), fmt.Sprintf("incremental-snapshot-%d-%d-%s.tar.zst", base, tip, key.Hash("b"))} {
		p.check(os.WriteFile(filepath.Join(p.snapshots, name), nil, 0o644))
	}
}

func threads(t *testing.T, pid int) (names []string) {
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/comm", pid))
	for _, f := range files {
		name, err := os.ReadFile(f)
		if err == nil {
			names = append(names, strings.TrimSpace(string(name)))
		}
	}
	return names
}
