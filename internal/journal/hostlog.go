package journal

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"bisc/layers"
)

// HostStep is a step as a host itself recorded it (host.RunsLog), whoever sent it.
type HostStep struct {
	Run string
	// ID is the step's number in the journal of the controller that sent it.
	ID      int64
	By      string    // user@machine of the controller
	Key     string    // fingerprint of the SSH key that it logged in with
	Address string    // of the resource
	Step    string    // as a person reads it
	Digest  string    // under the controller's key
	At      time.Time // by the host's clock
	// Ended is zero where no end was recorded: the host went down in the step, or it was a job of systemd whose
	// controller went.
	Ended time.Time
	// State is as in the journal; a non-zero exit status is FailedStep, also where a guard refused.
	State layers.ResultState
	How   string // the exit status, or words
}

// HostLog is a host's own record of its last runs.
type HostLog struct {
	Steps []HostStep // oldest first
	// Shortened: earlier runs were dropped to keep it small.
	Shortened bool
	// Torn is what stood behind the last seal: a write that was cut off. Its steps were not begun.
	Torn string
}

const noSeal = "0000000000000000000000000000000000000000000000000000000000000000"

// ReadHostLog reads a host's record and follows its seals. The error is *BrokenError from the first line on that does not
// fit; what was read before it is given all the same.
func ReadHostLog(name string, text []byte) (HostLog, error) {
	var log HostLog
	seal, number := noSeal, 0
	open := map[string]int{}
	var lines []string
	var block bytes.Buffer
	for len(text) > 0 {
		line, rest, whole := bytes.Cut(text, []byte("\n"))
		if !whole {
			break
		}
		number++
		sum, sealed := strings.CutPrefix(string(line), "# ")
		switch {
		case !sealed:
			block.Write(line)
			block.WriteByte('\n')
			lines = append(lines, string(line))
		case number == 1 && len(sum) == len(seal):
			log.Shortened, seal = true, sum
		default:
			if want := sealOf(seal, block.Bytes()); sum != want {
				return log, log.brokenAt(name, number, "the lines before it were changed, or some are missing: its seal does not fit")
			}
			for _, l := range lines {
				if err := log.line(l, open); err != nil {
					return log, log.brokenAt(name, number, err.Error())
				}
			}
			seal, lines = sum, nil
			block.Reset()
		}
		text = rest
	}
	log.Torn = block.String() + string(text)
	return log, nil
}

func sealOf(before string, block []byte) string {
	sum := sha256.Sum256(append([]byte(before+"\n"), block...))
	return hex.EncodeToString(sum[:])
}

// line takes "TIME step RUN/N JSON" or "TIME end RUN/N HOW".
func (log *HostLog) line(text string, open map[string]int) error {
	f := strings.SplitN(text, " ", 4)
	if len(f) != 4 {
		return fmt.Errorf("a line of %d words", len(f))
	}
	at, err := time.Parse(time.RFC3339, f[0])
	if err != nil {
		return err
	}
	if f[1] == "end" {
		if i, ok := open[f[2]]; ok { // else its step went when the log was shortened
			log.Steps[i].end(at, f[3])
			delete(open, f[2])
		}
		return nil
	}
	run, id, _ := strings.Cut(f[2], "/")
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil || f[1] != "step" {
		return fmt.Errorf("a line of an unknown kind: %q %q", f[1], f[2])
	}
	var body struct{ By, Key, Address, Step, Digest string }
	if err := json.Unmarshal([]byte(f[3]), &body); err != nil {
		return fmt.Errorf("a step that is not understood: %w", err)
	}
	open[f[2]] = len(log.Steps)
	log.Steps = append(log.Steps, HostStep{Run: run, ID: n, By: body.By, Key: body.Key, Address: body.Address, Step: body.Step,
		Digest: body.Digest, At: at, State: layers.UnknownResult, How: "no end was recorded"})
	return nil
}

func (s *HostStep) end(at time.Time, how string) {
	s.Ended, s.How = at, how
	switch _, err := strconv.Atoi(how); {
	case how == "0":
		s.State = layers.Done
	case how == "not begun":
		s.State = layers.NotDone
	case err == nil:
		s.State, s.How = layers.FailedStep, "exit "+how
	}
}

// Step finds what the host recorded of an act; nil where it has nothing of it.
func (log HostLog) Step(run string, id int64) *HostStep {
	for i := range log.Steps {
		if log.Steps[i].Run == run && log.Steps[i].ID == id {
			return &log.Steps[i]
		}
	}
	return nil
}

// whole tells whether the record has every step of a run that was begun here. One that was shortened may begin in the
// middle of a run.
func (log HostLog) whole(run string) bool {
	has := slices.ContainsFunc(log.Steps, func(s HostStep) bool { return s.Run == run })
	return has && !(log.Shortened && log.Steps[0].Run == run)
}

func (log HostLog) brokenAt(name string, line int, why string) *BrokenError {
	e := &BrokenError{Path: name, Seq: int64(line), Why: why}
	if n := len(log.Steps); n > 0 {
		e.Last, e.Run = log.Steps[n-1].At, log.Steps[n-1].Run
	}
	return e
}
