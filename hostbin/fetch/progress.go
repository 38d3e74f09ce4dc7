package fetch

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"bisc/hostbin/snapshots"
)

// Progress says how far it is: lines for a person, and a file with all of it for whoever looks.
type Progress struct {
	out   io.Writer
	file  string // "" keeps none
	every time.Duration

	mu    sync.Mutex
	state snapshots.State
	said  time.Time
	kept  time.Time
	fault error // of the file
	rates window
}

// NewProgress begins a progress. Lines come no more often than every, but for what is new.
func NewProgress(command string, out io.Writer, file string, every time.Duration) *Progress {
	return &Progress{out: out, file: file, every: every,
		state: snapshots.State{FormatVersion: snapshots.StateVersion, Command: command, Began: time.Now().UTC()}}
}

// Doing begins something new.
func (p *Progress) Doing(what, file string, bytes, total int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state.Doing, p.state.File, p.state.Bytes, p.state.Total, p.state.Rate, p.state.Left = what, file, bytes, total, 0, 0
	p.rates = window{}
	p.rates.add(time.Now(), bytes)
	p.say(true)
}

// At tells that so many bytes are there, and gives the rate of late in bytes a second.
func (p *Progress) At(bytes int64) int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state.Bytes = bytes
	p.rates.add(time.Now(), bytes)
	p.state.Rate = p.rates.rate(10 * time.Second)
	p.state.Left = 0
	if p.state.Rate > 0 && p.state.Total > bytes {
		p.state.Left = time.Duration(float64(p.state.Total-bytes) / float64(p.state.Rate) * float64(time.Second))
	}
	p.say(false)
	return p.state.Rate
}

// Over gives the rate over the last while, and whether it has been at it for so long.
func (p *Progress) Over(while time.Duration) (rate int64, known bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.rates) == 0 || time.Since(p.rates[0].at) < while {
		return 0, false
	}
	return p.rates.rate(while), true
}

// Step counts something other than bytes.
func (p *Progress) Step(what string, done, of int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state.Doing, p.state.File = fmt.Sprintf("%s: %d of %d", what, done, of), ""
	p.state.Bytes, p.state.Total, p.state.Rate, p.state.Left = 0, 0, 0, 0
	p.say(done == of)
}

// Note says what somebody may want to know afterwards.
func (p *Progress) Note(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	text := fmt.Sprintf(format, args...)
	p.state.Notes = append(p.state.Notes, text)
	fmt.Fprintln(p.out, text)
	p.keep()
}

// Found keeps what was found.
func (p *Progress) Found(f snapshots.Found) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state.Found = &f
	p.keep()
}

// End keeps the outcome; its error is that of the file.
func (p *Progress) End(result *snapshots.Result, err error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state.Doing, p.state.File, p.state.Result = "done", "", result
	p.state.Bytes, p.state.Total, p.state.Rate, p.state.Left = 0, 0, 0, 0
	if err != nil {
		p.state.Doing, p.state.Error = "failed", err.Error()
	}
	p.fault = nil
	p.keep()
	return p.fault
}

func (p *Progress) say(now bool) {
	if now || time.Since(p.said) >= p.every {
		p.said = time.Now()
		fmt.Fprintln(p.out, p.state.Line())
	}
	if now || time.Since(p.kept) >= min(p.every, time.Second) {
		p.keep()
	}
}

// keep replaces the file at one stroke: whoever reads it never has half of it. A full disk must not end a download; the last
// keep's fault is told at the end.
func (p *Progress) keep() {
	p.kept = time.Now()
	if p.file == "" {
		return
	}
	p.state.Updated = time.Now().UTC()
	text, err := json.MarshalIndent(p.state, "", "  ")
	if err == nil {
		temp := filepath.Join(filepath.Dir(p.file), ".new-"+filepath.Base(p.file))
		if err = os.WriteFile(temp, append(text, '\n'), 0o644); err == nil {
			err = os.Rename(temp, p.file)
		}
	}
	if err != nil {
		p.fault = fmt.Errorf("keep the state in %s: %w", p.file, err)
	}
}

// window is how many bytes there were at which moments, a minute back.
type window []struct {
	at    time.Time
	bytes int64
}

func (w *window) add(at time.Time, bytes int64) {
	if n := len(*w); n > 1 && at.Sub((*w)[n-2].at) < 50*time.Millisecond {
		*w = (*w)[:n-1]
	}
	*w = append(*w, struct {
		at    time.Time
		bytes int64
	}{at, bytes})
	for len(*w) > 2 && at.Sub((*w)[1].at) > time.Minute {
		*w = (*w)[1:]
	}
}

func (w window) rate(while time.Duration) int64 {
	last := w[len(w)-1]
	for _, m := range w {
		if took := last.at.Sub(m.at); took <= while && took > 0 {
			return int64(float64(last.bytes-m.bytes) / took.Seconds())
		}
	}
	return 0
}
