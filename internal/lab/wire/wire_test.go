package wire

import (
	"bytes"
	"errors"
	"io"
	"net"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// echo serves connections that send back what they get.
func echo(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { io.Copy(c, c); c.Close() }()
		}
	}()
	return l.Addr().String()
}

func proxy(t *testing.T, delay time.Duration) *Proxy {
	t.Helper()
	p, err := New(echo(t), delay)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

func dial(t *testing.T, p *Proxy) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// ask sends a word and reads it back.
func ask(t *testing.T, c net.Conn, word string) {
	t.Helper()
	if _, err := io.WriteString(c, word); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(word))
	c.SetReadDeadline(time.Now().Add(time.Minute))
	if _, err := io.ReadFull(c, got); err != nil || string(got) != word {
		t.Fatalf("asked %q, got %q, %v", word, got, err)
	}
}

// silent makes sure that nothing comes, not even an end.
func silent(t *testing.T, c net.Conn) {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	var timeout net.Error
	if n, err := c.Read(make([]byte, 1)); !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Fatalf("got %d bytes, %v, want silence", n, err)
	}
}

func TestTurns(t *testing.T) {
	for _, delay := range []time.Duration{0, 10 * time.Millisecond} {
		p := proxy(t, delay)
		c := dial(t, p)
		began := time.Now()
		for range 4 { // the first is sent unasked
			ask(t, c, "hello")
		}
		if took := time.Since(began); took < 8*delay { // how much longer is the machine's affair
			t.Errorf("four questions at %s each way took %s", delay, took)
		}
		if got, want := p.Counters(), (Counters{Connections: 1, Up: 20, Down: 20, Turns: 3}); got != want {
			t.Errorf("delay %s: counted %+v, want %+v", delay, got, want)
		}
		p.Reset()
		if got := p.Counters(); got != (Counters{}) {
			t.Errorf("after a reset: %+v", got)
		}
	}
}

func TestPipelinedQuestionsAreOneTurn(t *testing.T) {
	var turns int64
	for again := 0; again == 0 || again < 5 && turns != 1; again++ { // a busy machine may hold one of the ten back until others are answered
		p := proxy(t, 20*time.Millisecond)
		c := dial(t, p)
		ask(t, c, "hello")
		for range 10 { // written while answers come in, and waiting for none
			io.WriteString(c, "x")
			time.Sleep(time.Millisecond)
		}
		if _, err := io.ReadFull(c, make([]byte, 10)); err != nil {
			t.Fatal(err)
		}
		turns = p.Counters().Turns
	}
	if turns != 1 {
		t.Errorf("%d turns, want 1", turns)
	}
}

func TestDelayTakesNoBandwidth(t *testing.T) {
	p := proxy(t, 50*time.Millisecond)
	c := dial(t, p)
	sent := bytes.Repeat([]byte("0123456789abcdef"), 1<<20) // 16 MiB: at one piece a delay it would take a minute
	began := time.Now()
	go func() { c.Write(sent); c.(*net.TCPConn).CloseWrite() }()
	got, err := io.ReadAll(c)
	if err != nil || !bytes.Equal(got, sent) {
		t.Fatalf("got %d bytes of %d, %v", len(got), len(sent), err)
	}
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("16 MiB took %s", took)
	}
}

func TestCutAfter(t *testing.T) {
	p := proxy(t, 0)
	c, other := dial(t, p), dial(t, p)
	ask(t, other, "hello")
	p.CutAfter(Down, 3)
	io.WriteString(c, "hello")
	got, err := io.ReadAll(c)
	if string(got) != "hel" && len(got) != 0 || err == nil { // a reset may overtake what came before it
		t.Errorf("got %q, %v, want at most three bytes and a reset", got, err)
	}
	if n := p.Counters().Down; n != 8 {
		t.Errorf("%d bytes delivered, want 8", n)
	}
	if _, err := io.ReadAll(other); err == nil {
		t.Error("the other connection was not cut")
	}
	ask(t, dial(t, p), "again")
}

func TestEnds(t *testing.T) {
	p := proxy(t, 0)
	c := dial(t, p)
	ask(t, c, "not recorded")
	p.Record()
	ask(t, c, "hello")
	ask(t, c, "you")
	for _, way := range []Direction{Up, Down} {
		if got := p.Ends(way); !slices.Equal(got, []int64{5, 8}) {
			t.Errorf("direction %d: %d", way, got)
		}
	}
}

func TestHalfOpen(t *testing.T) {
	p := proxy(t, 0)
	c := dial(t, p)
	ask(t, c, "hello")
	p.HalfOpen()
	io.WriteString(c, "lost")
	silent(t, c)
	if err := p.Resume(); err != nil {
		t.Fatal(err)
	}
	silent(t, c)
	ask(t, dial(t, p), "again")
}

func TestOneWay(t *testing.T) {
	for _, way := range []Direction{Up, Down} {
		p := proxy(t, 0)
		c := dial(t, p)
		ask(t, c, "hello")
		p.OneWay(way)
		before := p.Counters()
		io.WriteString(c, "lost")
		silent(t, c)
		for end := time.Now().Add(time.Minute); way == Down && p.Counters().Up-before.Up < 4 && time.Now().Before(end); {
			time.Sleep(time.Millisecond)
		}
		if up := p.Counters().Up - before.Up; up != map[Direction]int64{Up: 0, Down: 4}[way] {
			t.Errorf("direction %d swallowed: %d bytes went up", way, up)
		}
	}
}

func TestThrottle(t *testing.T) {
	p := proxy(t, 0)
	c := dial(t, p)
	p.Throttle(1000)
	began := time.Now()
	ask(t, c, string(make([]byte, 200)))
	if took := time.Since(began); took < 390*time.Millisecond { // never sooner, however slow the machine
		t.Errorf("200 bytes there and back at 1000 a second took %s", took)
	}
}

func TestVanish(t *testing.T) {
	p := proxy(t, 0)
	c := dial(t, p)
	ask(t, c, "hello")
	if err := p.Vanish(); err != nil {
		t.Fatal(err)
	}
	var timeout net.Error
	if _, err := net.DialTimeout("tcp", p.Addr(), 200*time.Millisecond); !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("dial: %v, want no answer", err)
	}
	ask(t, c, "standing")
	if err := p.Resume(); err != nil {
		t.Fatal(err)
	}
	ask(t, dial(t, p), "again")
}

func TestStall(t *testing.T) {
	p := proxy(t, 0)
	c := dial(t, p)
	ask(t, c, "hello")
	p.Stall()
	io.WriteString(c, "late")
	silent(t, c)
	if err := p.Resume(); err != nil {
		t.Fatal(err)
	}
	c.SetReadDeadline(time.Now().Add(time.Minute))
	if _, err := io.ReadFull(c, make([]byte, 4)); err != nil {
		t.Errorf("after resume: %v", err)
	}
}

func TestRefuse(t *testing.T) {
	p := proxy(t, 0)
	c := dial(t, p)
	ask(t, c, "hello")
	p.Refuse()
	if _, err := net.Dial("tcp", p.Addr()); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("dial: %v, want refused", err)
	}
	ask(t, c, "standing")
	if err := p.Resume(); err != nil {
		t.Fatal(err)
	}
	ask(t, dial(t, p), "again")
}

func TestResetsPass(t *testing.T) {
	p, err := New("127.0.0.1:1", 0) // nobody listens there
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	c, err := net.Dial("tcp", p.Addr())
	if err == nil { // else the reset was there first
		_, err = io.ReadAll(c)
	}
	if err == nil {
		t.Error("no error from a connection whose target refuses")
	}
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	go func() {
		c, err := server.Accept()
		if err == nil {
			io.ReadFull(c, make([]byte, 5))
			reset(c.(*net.TCPConn))
		}
	}()
	p, err = New(server.Addr().String(), time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	c = dial(t, p)
	io.WriteString(c, "hello")
	if _, err := io.ReadAll(c); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the server reset, the client got %v", err)
	}
}

func TestCloseWhileBusy(t *testing.T) {
	p := proxy(t, time.Millisecond)
	var ended atomic.Int64
	for range 8 {
		c := dial(t, p)
		go func() { io.Copy(c, bytes.NewReader(make([]byte, 64<<20))); ended.Add(1) }()
	}
	time.Sleep(20 * time.Millisecond)
	p.Stall()
	done := make(chan struct{})
	go func() { p.Close(); close(done) }()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Fatal("close hangs")
	}
}
