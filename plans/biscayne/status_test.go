package biscayne_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"bisc/internal/lab"
	"bisc/internal/lab/wire"
)

// statusNow is what bisc status tells of a host, as far as these tests look.
type statusNow struct {
	Error            string
	Unknown, Waiting []string
	LookedAt         time.Time `json:"looked_at"`
	Standing         *struct {
		Age    float64 `json:"age_seconds"`
		Layers []struct {
			Wrong []struct{ Address, State, Text string }
		}
	}
	Facts []struct {
		Topic, Text string
		Unknown     bool
	}
}

// fact is what is told of a topic.
func (s statusNow) fact(topic string) (text string, known bool) {
	for _, f := range s.Facts {
		if f.Topic == topic {
			return f.Text, !f.Unknown
		}
	}
	return "", false
}

// unknowns are the reasons of all that is not known.
func (s statusNow) unknowns() (why []string) {
	why = append(why, s.Unknown...)
	for _, f := range s.Facts {
		if f.Unknown {
			why = append(why, f.Topic+": "+f.Text)
		}
	}
	if s.Standing == nil {
		return why
	}
	for _, l := range s.Standing.Layers {
		for _, w := range l.Wrong {
			if w.State == "unknown" {
				why = append(why, w.Address+": "+w.Text)
			}
		}
	}
	return why
}

// aLook is the limit of a look in these tests, which run beside others: what does not hang has answered by then.
const aLook = "20s"

// patient makes the limit of a question longer than that of a look, until what it returns is called.
func (h *house) patient() func() {
	const as, longer = "become     = true", "become     = true\n  answer_timeout = \"60s\""
	h.inventory(as, longer)
	return func() { h.inventory(longer, as) }
}

// status asks once.
func (h *house) status(limit string) statusNow {
	h.Helper()
	out, errs, _ := h.types("status", "--json", "--limit", limit)
	now, err := nextStatus(json.NewDecoder(strings.NewReader(out)))
	if err != nil {
		h.Fatalf("%v\n%s%s", err, out, errs)
	}
	return now
}

// nextStatus is the next document in which there is something of the host.
func nextStatus(docs *json.Decoder) (statusNow, error) {
	var doc struct{ Hosts []statusNow }
	if err := docs.Decode(&doc); err != nil {
		return statusNow{}, err
	}
	if len(doc.Hosts) == 1 && doc.Hosts[0].Error == "no answer yet" {
		return nextStatus(docs)
	}
	if len(doc.Hosts) != 1 || doc.Hosts[0].Error != "" {
		return statusNow{}, fmt.Errorf("want one host that is reached: %+v", doc)
	}
	return doc.Hosts[0], nil
}

// watches starts a watch and gives its documents; it ends with the test.
func (h *house) watches(interval, limit string) *json.Decoder {
	h.Helper()
	cmd := exec.CommandContext(h.Context(), filepath.Join(programs, "bisc"), "status", "--set", "variant="+h.variant, "--watch", "--json", "--interval", interval, "--limit", limit)
	cmd.Env = append(os.Environ(), "BISC_PLANS=.", "BISC_INVENTORY="+filepath.Join(h.dir, "lab.hcl"), "XDG_STATE_HOME="+h.dir, "SSH_AUTH_SOCK=")
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	out, err := cmd.StdoutPipe()
	if err != nil {
		h.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		h.Fatal(err)
	}
	h.Cleanup(func() {
		if err := cmd.Wait(); err != nil && !errors.Is(err, h.Context().Err()) {
			h.Logf("the watch: %v", err)
		}
	})
	return json.NewDecoder(out)
}

// far puts the desk behind a jump host (the host itself, as another login) and a network of 60 ms.
func (h *house) far() *wire.Proxy {
	h.Helper()
	on := h.host.(*lab.Host)
	p, err := wire.New(on.Dial(), 30*time.Millisecond)
	if err != nil {
		h.Fatal(err)
	}
	h.Cleanup(func() { p.Close() })
	near, err := os.ReadFile(filepath.Join(h.dir, "ssh_config"))
	if err != nil {
		h.Fatal(err)
	}
	h.Cleanup(func() { h.write("ssh_config", string(near)) })
	var known strings.Builder
	for _, key := range on.HostKeys() {
		fmt.Fprintf(&known, "%s,[127.0.0.1]:%d %s\n", on.Addr(), p.Port(), strings.TrimSpace(key))
	}
	h.write("far_hosts", known.String())
	h.write("ssh_config", fmt.Sprintf("Host gate\n HostName 127.0.0.1\n Port %d\n User nosudo\nHost biscayne\n HostName %s\n User ops\n ProxyJump gate\nHost *\n IdentityFile %s\n IdentitiesOnly yes\n UserKnownHostsFile %s\n",
		p.Port(), on.Addr(), h.host.KeyFile(), filepath.Join(h.dir, "far_hosts")))
	return p
}

// looks is bisc status: how often it waits for a network of 60 ms with a jump host, and what it shows of a host that ails.
func (h *house) looks() {
	h.Run("turns", func(t *testing.T) { h.on(t).statusTurns() })
	h.Run("docker hangs", func(t *testing.T) { h.on(t).dockerHangs() })
}

// statusTurns: cold it is two logins, and what asks again of what it heard; warm it is what a few questions in a row cost, however many
// go beside them, and the layers are not looked at for it. How long that takes is measured by make bench-status.
func (h *house) statusTurns() {
	const cold, warm = 36, 8
	p := h.far()
	if why := h.status("60s").unknowns(); len(why) > 0 {
		h.Errorf("of a healthy host not all is known: %q", why)
	}
	c := p.Counters()
	h.Logf("cold: %d turns, %d bytes sent, %d received", c.Turns+c.Connections, c.Up, c.Down)
	if c.Turns+c.Connections > cold {
		h.Errorf("%d turns cold, want at most %d", c.Turns+c.Connections, cold)
	}
	docs := h.watches("1s", "60s")
	var turns []int64
	var last statusNow
	for before := p.Counters(); len(turns) < 4; {
		now, err := nextStatus(docs)
		if err != nil {
			h.Fatal(err)
		}
		if now.LookedAt.Equal(last.LookedAt) {
			continue
		}
		if last.Standing != nil && now.Standing != nil && now.Standing.Age < last.Standing.Age {
			h.Error("a watch looks at the layers at each look")
		}
		counted := p.Counters()
		if last.Standing != nil { // the first has the login
			turns = append(turns, counted.Turns-before.Turns)
		}
		before, last = counted, now
	}
	h.Logf("warm: %d turns", turns)
	slices.Sort(turns)
	if turns[len(turns)/2] > warm {
		h.Errorf("warm %d turns, want at most %d", turns, warm)
	}
}

// dockerHangs: what does not need docker is shown while it is waited for, and what does is unknown by the look's own limit, all of it by
// the same one.
func (h *house) dockerHangs() {
	h.sh(`kill -STOP $(pgrep -x dockerd)`)
	defer h.sh(`kill -CONT $(pgrep -x dockerd)`)
	defer h.patient()()
	docs := h.watches("60s", aLook)
	var shown []string // what was shown while the node was waited for
	whole, err := nextStatus(docs)
	for ; err == nil && len(whole.Waiting) > 0; whole, err = nextStatus(docs) {
		if slices.ContainsFunc(whole.Waiting, func(what string) bool { return strings.HasPrefix(what, "node ") }) {
			text, _ := whole.fact("validator")
			shown = append(shown, text)
		}
	}
	if err != nil {
		h.Fatal(err)
	}
	if !slices.ContainsFunc(shown, func(text string) bool { return strings.Contains(text, "is running") }) {
		h.Errorf("the validator was not shown while docker was waited for: %q", shown)
	}
	for _, topic := range []string{"validator", "slots", "deployment", "pod", "snapshots"} {
		if text, known := whole.fact(topic); !known {
			h.Errorf("%s is not known where docker hangs: %s", topic, text)
		}
	}
	h.onceSlow(whole, "node")
}

// onceSlow fails the test unless a topic is unknown, and all that is so by the limit of the look, and no question by its own.
func (h *house) onceSlow(s statusNow, topic string) {
	h.Helper()
	if text, known := s.fact(topic); known || !strings.Contains(text, "no answer in "+aLook) {
		h.Errorf("%s: %q, want that there was no answer", topic, text)
	}
	for _, why := range s.unknowns() {
		if strings.Contains(why, "no answer in") && !strings.Contains(why, "no answer in "+aLook) {
			h.Errorf("a question was waited for by itself: %s", why)
		}
	}
}

// saysOfPaused: of a node that is paused docker knows; its API takes questions and answers none.
func (h *house) saysOfPaused() {
	h.Helper()
	defer h.patient()()
	now := h.status(aLook)
	if text, known := now.fact("node"); !known || !strings.Contains(text, "is paused") {
		h.Errorf("the node: %q", text)
	}
	if _, known := now.fact("validator"); !known {
		h.Errorf("the validator's process is not known: %+v", now.Facts)
	}
	h.onceSlow(now, "pod")
}

// saysOfFrozen: a validator whose threads hang in the kernel is said to be stuck, and all else is known.
func (h *house) saysOfFrozen() {
	h.Helper()
	now := h.status(h.within(20 * time.Second)) // aLook, or longer
	if text, known := now.fact("validator"); !known || !strings.Contains(text, "is stuck") {
		h.Errorf("the validator: %q", text)
	}
	for _, topic := range []string{"node", "pod", "memory", "snapshots"} {
		if text, known := now.fact(topic); !known {
			h.Errorf("%s is not known on a frozen disk: %s", topic, text)
		}
	}
}
