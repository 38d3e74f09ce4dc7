package main

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"bisc/hostbin/snapshots"
)

// thousands is a cluster of 5,000 nodes, each with an address of its own: all loopback, one listener. Of every five one refuses,
// and where silent is set another takes the connection and says nothing.
type thousands struct {
	port   string
	silent bool
	asked  atomic.Int64
}

const nodes = 5000

func startThousands(t testing.TB, silent bool) (rpc string, c *thousands) {
	t.Helper()
	l, err := net.Listen("tcp4", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c = &thousands{port: port, silent: silent}
	server := &http.Server{Handler: c}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	return "http://127.0.0.1:" + port, c
}

// address is a node's; the refusing ones have a port where nobody listens: 1.
func (c *thousands) address(i int) string {
	port := c.port
	if i%5 == 4 {
		port = "1"
	}
	return fmt.Sprintf("127.%d.%d.%d:%s", 10+i%5, i/250, 1+i%250, port)
}

func (c *thousands) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method == http.MethodPost:
		c.rpc(w, r)
		return
	case c.silent && strings.HasPrefix(r.Host, "127.13."):
		<-r.Context().Done()
		return
	}
	c.asked.Add(1)
	if strings.HasPrefix(r.URL.Path, "/incremental") {
		w.Header().Set("Location", "/incremental-snapshot-100000-150000-abc.tar.zst")
	} else {
		w.Header().Set("Location", "/snapshot-100000-abc.tar.zst")
	}
	w.WriteHeader(http.StatusSeeOther)
}

func (c *thousands) rpc(w http.ResponseWriter, r *http.Request) {
	var q struct{ Method string }
	_ = json.NewDecoder(r.Body).Decode(&q)
	var result any = 150_100
	if q.Method == "getClusterNodes" {
		var all []map[string]any
		for i := range nodes {
			all = append(all, map[string]any{"pubkey": fmt.Sprintf("%044d", i), "rpc": c.address(i), "gossip": c.address(i), "tpu": c.address(i), "version": "3.1.9", "featureSet": 3073396398, "shredVersion": 50093})
		}
		result = all
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"jsonrpc": "2.0", "id": 1, "result": result})
}

// find runs the program as it is shipped, in a process of its own, and gives what it found, how long that took, and the most
// memory that it had, in bytes.
func (c *thousands) find(t testing.TB, program, rpc, timeout string) (snapshots.Found, time.Duration, int64) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "state")
	cmd := exec.Command(program, "find", "--rpc", rpc, "--checks", "0", "--timeout", timeout, "--state", file)
	began := time.Now()
	out, err := cmd.CombinedOutput()
	took := time.Since(began)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	text, err := os.ReadFile(file)
	var s snapshots.State
	if err != nil || json.Unmarshal(text, &s) != nil || s.Found == nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return *s.Found, took, cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss << 10
}

func build(t testing.TB) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "bisc-snapshot")
	if out, err := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}

// Every one of 5,000 nodes is asked, each that answers for both its archives, in less than 200 MiB. (Quiet, with two cores, it
// takes some two seconds; the goal is 10.)
func TestFiveThousandNodes(t *testing.T) {
	rpc, c := startThousands(t, false)
	found, took, rss := c.find(t, build(t), rpc, "30s")
	t.Logf("%d nodes in %s, %.1f MiB", found.Asked, took, float64(rss)/(1<<20))
	if found.Nodes != nodes || found.Asked != nodes || len(found.Taken) != nodes*4/5 || found.Rejected["serves no full snapshot"] != nodes/5 {
		t.Errorf("%d nodes, %d asked, %d taken, %v", found.Nodes, found.Asked, len(found.Taken), found.Rejected)
	}
	if got := c.asked.Load(); got != 2*nodes*4/5 {
		t.Errorf("%d questions were answered, want two of each that answers", got)
	}
	if rss > 200<<20 {
		t.Errorf("it had %d bytes", rss)
	}
	if p, ok := found.Taken[0].Pair(); !ok || p.Slot() != 150_000 {
		t.Errorf("%+v", found.Taken[0])
	}
}

// With a fifth that takes connections and says nothing, and the timeout that is the default: go test -bench Nodes -benchtime 1x
func BenchmarkNodes(b *testing.B) {
	program := build(b)
	rpc, c := startThousands(b, true)
	for b.Loop() {
		found, took, rss := c.find(b, program, rpc, "2s")
		b.ReportMetric(took.Seconds(), "s/find")
		b.ReportMetric(float64(rss)/(1<<20), "MiB")
		b.ReportMetric(float64(len(found.Taken)), "taken")
	}
}
