package front

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
)

// The wire is cut at every byte of an answer: what came is the beginning of what would have come, and the device has done its part.
func TestCutAmid(t *testing.T) {
	s := newStage(t)
	whole := "show version\r\nArista DCS-7280CR3A-32S\r\nwas-sw01>"
	answer := len(whole) - len("show version\r\n")
	for n := 0; n <= answer; n++ {
		s.Log().Forget()
		must(t, s.SetFaults(Faults{Trips: []Trip{{Match: "^show version$", Do: Cut, When: Amid, Bytes: n}}}))
		d := s.terminal(s.dial(), 0, 0, 1)
		d.until("was-sw01>")
		d.send("show version\n")
		equal(t, fmt.Sprint("cut after ", n), d.rest(), whole[:len(whole)-answer+n])
		if err := d.s.Wait(); err == nil {
			t.Errorf("cut after %d: the session ended well", n)
		}
		equal(t, "heard", s.Log().Lines(), []string{"show version"})
	}
}

// Before, without and after the answer: what the device has done, and what the client got.
func TestCutMoments(t *testing.T) {
	for _, c := range []struct {
		when Moment
		done bool
		got  string
	}{
		{Unheard, false, "enable\r\n"},
		{Unanswered, true, "enable\r\n"},
		{Answered, true, "enable\r\nwas-sw01#"},
	} {
		s := newStage(t)
		must(t, s.SetFaults(Faults{Trips: []Trip{{Match: "^enable$", Do: Cut, When: c.when}}}))
		d := s.terminal(s.dial(), 0, 0, 1)
		d.until("was-sw01>")
		d.send("enable\n")
		equal(t, string(c.when), d.rest(), c.got)
		ran, _ := s.done()
		equal(t, string(c.when)+": done", len(ran) == 1, c.done)
		equal(t, "the log's word", s.Log().All()[len(s.Log().All())-1].Fault, "cut "+string(c.when))
		d = s.terminal(s.dial(), 0, 0, 1) // once
		d.until("was-sw01>")
		d.send("enable\n")
		d.until("#")
	}
}

// Some pass before it happens, and it happens as often as is said.
func TestTripCounts(t *testing.T) {
	s := newStage(t)
	must(t, s.SetFaults(Faults{Trips: []Trip{{Match: "^show", Skip: 1, Times: 2, Do: Quit, When: Answered}}}))
	c := s.dial()
	for range 4 {
		d := s.terminal(c, 0, 0, 1)
		d.until("was-sw01>")
		d.send("show version\n")
		d.until("32S\r\nwas-sw01>")
		io.WriteString(d.in, "exit\n") // where the session is closed it does not get there
		d.rest()
	}
	lines := strings.Join(s.Log().Lines(), ",")
	if lines != "show version,exit,show version,show version,show version,exit" {
		t.Errorf("the sessions that were closed heard more: %s", lines)
	}
	for _, bad := range []Trip{{Match: "("}, {Do: "dance", When: Amid}, {Do: Cut, When: "later"}} {
		if s.SetFaults(Faults{Trips: []Trip{bad}}) == nil {
			t.Errorf("taken: %+v", bad)
		}
	}
}

// What is stalled comes when it is released; ^C ends it; an end of the connection does too.
func TestStall(t *testing.T) {
	s := newStage(t)
	stall := func(when Moment, times int) {
		must(t, s.SetFaults(Faults{Trips: []Trip{{Match: "^show version$", Do: Stall, When: when, Bytes: 6, Times: times}}}))
	}
	d := s.terminal(s.dial(), 0, 0, 1)
	d.until("was-sw01>")
	stall(Amid, 0)
	d.send("show version\n")
	equal(t, "the beginning", d.until("Arista"), "show version\r\nArista")
	s.Release()
	equal(t, "the rest", d.until(">"), " DCS-7280CR3A-32S\r\nwas-sw01>")
	stall(Unanswered, 0)
	d.send("show version\n")
	_, err := s.Log().Await(limited(t), "^show version$", 2)
	must(t, err)
	d.until("show version\r\n")
	d.send("\x03")
	equal(t, "^C", d.until(">"), "^C\r\nwas-sw01>")
	stall(Unheard, 0)
	d.send("show version\n")
	_, err = s.Log().Await(limited(t), "^show version$", 3)
	must(t, err)
	s.CutAll()
	d.rest()
}

func limited(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// eAPI is cut the same way: the commands before have been run, those after have not.
func TestCutEAPI(t *testing.T) {
	s := newStage(t)
	must(t, s.SetEAPI(EAPI{LocalHTTP: true}))
	for _, when := range []Moment{Unheard, Unanswered, Amid} {
		s.Log().Forget()
		p := s.poster("http")
		must(t, s.SetFaults(Faults{Trips: []Trip{{Match: "^configure$", Do: Cut, When: when, Bytes: 20}}}))
		_, text, err := p.post("/command-api", cmds([]string{"enable", "configure", "show version"}))
		if when == Amid {
			if !errors.Is(err, io.ErrUnexpectedEOF) || text != `{"jsonrpc":"2.0","id` {
				t.Errorf("%s: %q, %v", when, text, err)
			}
			continue
		}
		if err == nil {
			t.Errorf("%s: an answer: %s", when, text)
		}
		equal(t, string(when), s.Log().Lines(), []string{"enable", "configure"})
	}
}

// What comes slowly, in one flood, twice, behind a banner that looks like prompts, with a chassis' name in the prompts, is all the
// same text: nothing of it is lost or changed on the way.
func TestFaultF33_TheEmulatorsOwnWire(t *testing.T) {
	s := newStage(t)
	big := strings.Repeat(strings.Repeat("x", 99)+"\n", 300_000)
	s.answers["show big"] = big
	s.answers["show lines"] = strings.Repeat("was-sw01#was-sw01(config)#\n", 8)
	must(t, s.SetFaults(Faults{Banner: "was-sw01#\nwas-sw01(config-s-bisc)#\n% Invalid input", Chassis: "(s1)", Noise: "%SYS-5-CONFIG_E: x"}))
	d := s.terminal(s.dial(), 0, 0, 1)
	greeting := d.until("was-sw01(s1)>")
	if !strings.HasSuffix(greeting, "was-sw01#\r\nwas-sw01(config-s-bisc)#\r\n% Invalid input\r\n\r\nwas-sw01(s1)>") {
		t.Errorf("the greeting is %q", greeting)
	}
	d.send("enable\nconfigure\n")
	equal(t, "prompts", d.until("(config)#"),
		"enable\r\n%SYS-5-CONFIG_E: x\r\nwas-sw01(s1)#configure\r\n%SYS-5-CONFIG_E: x\r\nwas-sw01(s1)(config)#")
	must(t, s.SetFaults(Faults{}))
	d.send("show big\n")
	got := d.until("was-sw01(config)#")
	if want := "show big\r\n" + strings.ReplaceAll(big, "\n", "\r\n") + "was-sw01(config)#"; got != want {
		t.Errorf("30 MB: %d bytes came, %d were sent", len(got), len(want))
	}
	must(t, s.SetFaults(Faults{Rate: 4000}))
	d.send("show lines\n")
	equal(t, "the drip", d.until("#\r\nwas-sw01(config)#"),
		"show lines\r\n"+strings.ReplaceAll(s.answers["show lines"], "\n", "\r\n")+"was-sw01(config)#")
}

// Cut at a byte of the encrypted stream, wherever that falls: the client sees the connection's end, and the next connection passes.
func TestCutAfter(t *testing.T) {
	s := newStage(t)
	for _, n := range []int64{1, 40, 700, 1200} {
		must(t, s.SetFaults(Faults{CutAfter: n}))
		_, status := s.openssh(nil, "ssh", "install@127.0.0.1", "show version")
		equal(t, fmt.Sprint("cut after ", n), status, 255)
	}
	must(t, s.SetFaults(Faults{RTT: 20 * time.Millisecond, Latency: time.Millisecond, LatencyMax: 3 * time.Millisecond}))
	out, status := s.openssh(nil, "ssh", "install@127.0.0.1", "show version")
	equal(t, "through a slow network", fmt.Sprint(out, status), "Arista DCS-7280CR3A-32S\n0")
}

// The delays are there: a turn takes the network's time, a command its own. Only lower bounds are looked at.
func TestDelays(t *testing.T) {
	s := newStage(t)
	d := s.terminal(s.dial(), 0, 0, 1)
	d.until("was-sw01>")
	must(t, s.SetFaults(Faults{RTT: 60 * time.Millisecond, Latency: 40 * time.Millisecond}))
	began := time.Now()
	d.send("show version\n")
	d.until("32S\r\nwas-sw01>")
	if took := time.Since(began); took < 100*time.Millisecond {
		t.Errorf("a turn of 60 ms with a command of 40 ms took %s", took)
	}
}
