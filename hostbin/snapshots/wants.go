package snapshots

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Wants is what a source must be to be taken. Each limit names the flag that sets it, so that a refusal can say which one it was.
type Wants struct {
	MaxBehind    uint64        // slots that the pair may be behind the cluster's finalized slot
	MinSpeed     int64         // bytes a second, measured
	MaxLatency   time.Duration // zero is none: the fastest need not answer first
	Version      string        // the version begins so; "" is any
	ShredVersion int           // 0 is any
	Known        []string      // identities; none is any
	Formats      []string      // tar.zst, tar.lz4
}

// Limits of what a person may ask for. The fastest source is taken in any case: a minimum only says what would not do at all.
const (
	MostMinSpeed   = 128 << 20 // bytes a second: hardly a node of a public cluster gives more
	LeastMaxBehind = 200       // slots: agave makes an incremental each 100 to 200, so that no pair is always fresher
	Close          = 500       // slots behind the cluster with which a fetch is content, unless it is told otherwise
	mostAhead      = 300       // slots that a source may be ahead of a finalized slot before it lies
)

// Check finds limits that would refuse nearly every source there is.
func (w Wants) Check() error {
	var faults []error
	if w.MinSpeed > MostMinSpeed {
		faults = append(faults, fmt.Errorf("--min-speed %s: more than %s a second refuses nearly every node of a public cluster (20MiB is usual); the fastest is taken anyway", Bytes(w.MinSpeed), Bytes(MostMinSpeed)))
	}
	if w.MinSpeed < 0 {
		faults = append(faults, errors.New("--min-speed: it is below zero"))
	}
	if w.MaxBehind < LeastMaxBehind {
		faults = append(faults, fmt.Errorf("--max-behind %d slots: nodes make an incremental each 100 to 200 slots, so that less than %d refuses all of them most of the time", w.MaxBehind, LeastMaxBehind))
	}
	if len(w.Formats) == 0 {
		faults = append(faults, errors.New("--formats: none is left"))
	}
	for _, f := range w.Formats {
		if f != "tar.zst" && f != "tar.lz4" {
			faults = append(faults, fmt.Errorf("--formats %s: agave since 3.0 reads tar.zst and tar.lz4 alone", f))
		}
	}
	return errors.Join(faults...)
}

// Node is an entry of getClusterNodes.
type Node struct {
	Identity     string `json:"identity"`
	RPC          string `json:"rpc"` // ADDRESS:PORT
	Version      string `json:"version,omitempty"`
	ShredVersion int    `json:"shred_version,omitempty"`
}

// Served is an archive that a node says it has.
type Served struct {
	Archive
	URL string `json:"url"`
}

// Source is a node with what it serves.
type Source struct {
	Node
	Full        *Served       `json:"full,omitempty"`
	Incremental *Served       `json:"incremental,omitempty"`
	Latency     time.Duration `json:"latency_ns"`
	Speed       int64         `json:"speed,omitempty"` // bytes a second, measured; zero: not measured
	Fault       string        `json:"fault,omitempty"` // why it serves nothing
}

// Pair is what a validator could start from with this source alone: its full, with its incremental where that fits.
func (s Source) Pair() (Pair, bool) {
	if s.Full == nil {
		return Pair{}, false
	}
	p := Pair{Full: s.Full.Archive}
	if s.Incremental != nil && s.Incremental.Base == s.Full.Slot {
		p.Incremental = &s.Incremental.Archive
	}
	return p, true
}

// Rejection is why a source is not taken.
type Rejection struct {
	Source Source `json:"source"`
	// Flag is the limit that it failed: --max-behind, --min-speed...; "" where no limit of ours would help.
	Flag   string `json:"flag,omitempty"`
	Reason string `json:"reason"` // a few words, the same for all that failed alike
	Detail string `json:"detail"` // with its own numbers
	// Short is how far it was from passing, for comparing those with the same Flag; Would is the limit that takes it.
	Short float64 `json:"short"`
	Would string  `json:"would,omitempty"`
}

// PassNode judges what is known of a node before it is asked anything.
func (w Wants) PassNode(n Node) (Rejection, bool) {
	no := func(flag, reason, detail string) (Rejection, bool) {
		return Rejection{Source: Source{Node: n}, Flag: flag, Reason: reason, Detail: detail}, false
	}
	switch {
	case n.RPC == "":
		return no("", "has no RPC port", "it serves no snapshots to anybody")
	case len(w.Known) > 0 && !slices.Contains(w.Known, n.Identity):
		return no("--known", "not a known validator", n.Identity+" is not among --known")
	case w.Version != "" && n.Version != "" && !strings.HasPrefix(n.Version, w.Version):
		return no("--version", "another version", "it runs "+n.Version+", --version "+w.Version)
	case w.ShredVersion != 0 && n.ShredVersion != 0 && n.ShredVersion != w.ShredVersion:
		return no("--shred-version", "another shred version", fmt.Sprintf("it has %d, --shred-version %d: it is of another cluster or fork", n.ShredVersion, w.ShredVersion))
	}
	return Rejection{}, true
}

// Pass judges what a node serves, by the pair.
func (w Wants) Pass(s Source, tip uint64) (Rejection, bool) {
	no := func(flag, reason, detail string) (Rejection, bool) {
		return Rejection{Source: s, Flag: flag, Reason: reason, Detail: detail}, false
	}
	pair, ok := s.Pair()
	switch {
	case !ok:
		return no("", "serves no full snapshot", orElse(s.Fault, "it has none"))
	case !slices.Contains(w.Formats, pair.Full.Format):
		return no("--formats", "another format", "its full is "+pair.Full.Format+", --formats "+strings.Join(w.Formats, ","))
	case pair.Slot() > tip+mostAhead:
		return no("", "ahead of the cluster", fmt.Sprintf("its slot %d is %d ahead of the cluster's %d: one of the two lies, or they are not of one cluster", pair.Slot(), pair.Slot()-tip, tip))
	case Behind(pair.Slot(), tip) > w.MaxBehind:
		behind := Behind(pair.Slot(), tip)
		return Rejection{Source: s, Flag: "--max-behind", Reason: "too old", Short: float64(behind - w.MaxBehind), Would: fmt.Sprintf("--max-behind %d", (behind/1000+1)*1000),
			Detail: fmt.Sprintf("%s is %d slots behind, --max-behind is %d", pair, behind, w.MaxBehind)}, false
	case w.MaxLatency > 0 && s.Latency > w.MaxLatency:
		return Rejection{Source: s, Flag: "--max-latency", Reason: "answers slowly", Short: (s.Latency - w.MaxLatency).Seconds(),
			Would:  fmt.Sprintf("--max-latency %s", (s.Latency + 100*time.Millisecond).Truncate(100*time.Millisecond)),
			Detail: fmt.Sprintf("it answered after %s, --max-latency is %s", s.Latency.Round(time.Millisecond), w.MaxLatency)}, false
	}
	return Rejection{}, true
}

// PassSpeed judges what was measured.
func (w Wants) PassSpeed(s Source) (Rejection, bool) {
	if s.Fault != "" {
		return Rejection{Source: s, Reason: "did not deliver", Detail: s.Fault}, false
	}
	if s.Speed >= w.MinSpeed {
		return Rejection{}, true
	}
	return Rejection{Source: s, Flag: "--min-speed", Reason: "too slow", Short: float64(w.MinSpeed - s.Speed), Would: fmt.Sprintf("--min-speed %d", s.Speed),
		Detail: fmt.Sprintf("%s/s measured, --min-speed is %s/s", Bytes(s.Speed), Bytes(w.MinSpeed))}, false
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
