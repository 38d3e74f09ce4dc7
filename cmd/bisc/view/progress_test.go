package view

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"bisc/layers"
)

// screen is a terminal that knows what Progress uses: newline, carriage return, cursor up, clear to the end.
type screen struct {
	mu     sync.Mutex
	rows   []string
	at     int
	writes int
}

func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writes++
	if s.rows == nil {
		s.rows = []string{""}
	}
	for rest := string(b); rest != ""; {
		var up int
		switch {
		case rest[0] == '\n':
			s.at++
			if s.at == len(s.rows) {
				s.rows = append(s.rows, "")
			}
			rest = rest[1:]
		case strings.HasPrefix(rest, "\x1b[J"):
			s.rows = s.rows[:s.at+1]
			s.rows[s.at] = ""
			rest = rest[3:]
		case rest[0] == '\r':
			rest = rest[1:]
		case strings.HasPrefix(rest, "\x1b["):
			n, err := fmt.Sscanf(rest, "\x1b[%dA", &up)
			if n != 1 || err != nil || up > s.at {
				panic(fmt.Sprintf("the screen does not know %q", rest))
			}
			s.at -= up
			rest = rest[strings.IndexByte(rest, 'A')+1:]
		default:
			end := strings.IndexAny(rest, "\n\r\x1b")
			if end < 0 {
				end = len(rest)
			}
			s.rows[s.at] += rest[:end]
			rest = rest[end:]
		}
	}
	return len(b), nil
}

func (s *screen) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.rows, "\n")
}

func TestProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &screen{}
		p := NewProgress(s, true, 72)
		want := func(moment, text string) {
			t.Helper()
			synctest.Wait()
			if got := s.text(); got != text {
				t.Errorf("%s: got %q, want %q", moment, got, text)
			}
		}
		p.Say("biscayne", "connecting")
		want("first", "biscayne [0s] connecting")
		p.Say("lab1", "connecting")
		want("second host", "biscayne [0s] connecting\nlab1 [0s] connecting")
		time.Sleep(3*time.Second + time.Millisecond)
		want("time passes", "biscayne [3s] connecting\nlab1 [3s] connecting")
		p.Saw(layers.Progress{Host: "biscayne", Address: "biscayne:storage.mount[/srv]", Doing: "run mount /srv"})
		want("a step", "biscayne [0s] storage.mount[/srv]: run mount /srv\nlab1 [3s] connecting")
		until := time.Now().Add(30 * time.Second)
		p.Saw(layers.Progress{Host: "biscayne", Address: "biscayne:storage.mount[/srv]", Doing: "waiting for a", Until: until})
		time.Sleep(2 * time.Second)
		p.Saw(layers.Progress{Host: "biscayne", Address: "biscayne:storage.mount[/srv]", Doing: "waiting for b", Until: until})
		want("a wait goes on", "biscayne [2s, gives up in 28s] storage.mount[/srv]: waiting for b\nlab1 [5s] connecting")
		p.Above(func() { fmt.Fprintln(s, "hello") })
		want("above", "hello\nbiscayne [2s, gives up in 28s] storage.mount[/srv]: waiting for b\nlab1 [5s] connecting")
		p.Say("lab1", "")
		want("a host is done", "hello\nbiscayne [2s, gives up in 28s] storage.mount[/srv]: waiting for b")
		p.Saw(layers.Progress{Host: "biscayne", Address: "biscayne:storage.mount[/srv]", Outcome: &layers.Outcome{State: layers.Changed}})
		want("an item is done", "hello\nbiscayne [0s] storage.mount[/srv]: changed")
		p.Close()
		want("closed", "hello\n")
		p.Say("late", "nothing")
		p.Close()
		want("after the end", "hello\n")
	})
}

// While a question waits above the lines, whoever works on another host goes on; what it told is drawn afterwards.
func TestProgressGoesOnBehindAQuestion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &screen{}
		p := NewProgress(s, true, 72)
		p.Say("biscayne", "connecting")
		answer, answered := make(chan struct{}), make(chan struct{})
		question := func() {
			p.Above(func() { fmt.Fprint(s, "password: "); <-answer; fmt.Fprintln(s) })
			answered <- struct{}{}
		}
		go question()
		synctest.Wait()
		p.Say("lab1", "connecting")
		p.Saw(layers.Progress{Host: "biscayne", Address: "biscayne:storage.mount[/srv]", Doing: "run mount /srv"})
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if got, want := s.text(), "password: "; got != want {
			t.Errorf("behind the question: %q, want %q", got, want)
		}
		answer <- struct{}{}
		<-answered
		if got, want := s.text(), "password: \nbiscayne [2s] storage.mount[/srv]: run mount /srv\nlab1 [2s] connecting"; got != want {
			t.Errorf("after it: %q, want %q", got, want)
		}
		go question()
		synctest.Wait()
		p.Close()
		answer <- struct{}{}
		<-answered
		if got, want := s.text(), "password: \npassword: \n"; got != want {
			t.Errorf("closed behind a question: %q, want %q", got, want)
		}
	})
}

func TestProgressLinesNeverWrap(t *testing.T) {
	s := &screen{}
	p := &Progress{w: s, width: 40, now: time.Now, stop: make(chan struct{})}
	for i := range 50 {
		p.Say(fmt.Sprintf("host%d", i), "run "+strings.Repeat("日本\x1b[2J", 30))
	}
	rows := strings.Split(s.text(), "\n")
	if len(rows) != maxProgress || rows[maxProgress-1] != "… and 39 more hosts" {
		t.Errorf("%d rows, the last %q", len(rows), rows[len(rows)-1])
	}
	for _, r := range rows {
		if columns(r) >= 40 {
			t.Errorf("%d columns: %q", columns(r), r)
		}
	}
	p.Close()
	if s.text() != "" {
		t.Errorf("left behind: %q", s.text())
	}
}

func TestProgressIsQuietWithoutATerminal(t *testing.T) {
	s := &screen{}
	p := NewProgress(s, false, 80)
	p.Say("a", "connecting")
	p.Saw(layers.Progress{Host: "a", Address: "a:storage.mount[/x]", Doing: "run"})
	printed := false
	p.Above(func() { printed = true })
	p.Close()
	if s.writes != 0 || !printed {
		t.Errorf("%d writes, printed %v", s.writes, printed)
	}
}

// Run with -race: hosts are worked on at the same time.
func TestProgressFromManyHosts(t *testing.T) {
	s := &screen{}
	p := NewProgress(s, true, 80)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for j := range 50 {
				h := fmt.Sprintf("host%d", i)
				p.Saw(layers.Progress{Host: h, Address: h + ":x", Doing: fmt.Sprint(j)})
				p.Above(func() { fmt.Fprintf(s, "%s %d\n", h, j) })
			}
			p.Say(fmt.Sprintf("host%d", i), "")
		})
	}
	all.Wait()
	p.Close()
	if got := strings.Count(s.text(), "\n"); got != 8*50 {
		t.Errorf("%d lines of 400 are left", got)
	}
}
