package layers

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"bisc/internal/host"
	"bisc/modules"
)

// SavedVersion is the version of the plan file's format.
const SavedVersion = 1

// Saved is one round as a file: what was observed and what would be done, as digests. It holds no content, so no secret.
type Saved struct {
	FormatVersion int       `json:"format_version"`
	ID            string    `json:"id"`
	Created       time.Time `json:"created"`
	Expires       time.Time `json:"expires"`
	Plan          string    `json:"plan"` // digest of the plan's files and of every value they read
	// StepKey (hex) is the key of the steps' digests in a file that may cross machines; empty: bisc's own key. Whoever has
	// the file could try guesses at short secrets with it, so that a round with secrets has none.
	StepKey string      `json:"step_key,omitempty"`
	Destroy []string    `json:"destroy,omitempty"`
	Hosts   []SavedHost `json:"hosts"`
	Digest  string      `json:"digest"` // Report.Digest of the round
	MAC     string      `json:"mac"`
}

// SavedHost is a host as it was when the plan was made.
type SavedHost struct {
	Host     string      `json:"host"`
	Identity Identity    `json:"identity"`
	Looked   []string    `json:"looked_at"` // the addresses that were observed
	Items    []SavedItem `json:"items"`
}

// SavedItem is an item that the round would change.
type SavedItem struct {
	Address  string      `json:"address"`
	Digest   string      `json:"digest"` // of what is wanted
	Diffs    []SavedDiff `json:"diffs"`
	Steps    []SavedStep `json:"steps"`
	Destroys []string    `json:"destroys,omitempty"`
}

// SavedDiff is a fact that the plan was bound to.
type SavedDiff struct {
	Attr string `json:"attr"`
	Got  string `json:"got"`
	Want string `json:"want"`
	Boot bool   `json:"after_boot,omitempty"`
}

// SavedStep is a step by its digest, with the text that was shown.
type SavedStep struct {
	Text   string `json:"text"`
	Digest string `json:"digest"`
}

// ErrAltered: the plan file is not as bisc wrote it.
var ErrAltered = errors.New("the plan file was altered, or written with another key")

// ErrUsed: the plan file was applied before.
var ErrUsed = errors.New("used plan file")

// ErrExpired: the plan file is too old.
var ErrExpired = errors.New("the plan file has expired")

// Save makes a plan file of a round.
func Save(rep Report, key []byte, id, plan string, destroy []string, life time.Duration) Saved {
	now := time.Now().UTC().Truncate(time.Second)
	s := Saved{FormatVersion: SavedVersion, ID: id, Created: now, Expires: now.Add(life), Plan: plan, Destroy: destroy, Digest: rep.Digest(key)}
	for _, h := range rep {
		if h.Err != nil {
			continue
		}
		sh := SavedHost{Host: h.Host, Identity: h.Identity}
		for _, o := range h.Outcomes {
			sh.Looked = append(sh.Looked, o.Item.Address)
			if o.Pending() {
				sh.Items = append(sh.Items, savedItem(key, o))
			}
		}
		s.Hosts = append(s.Hosts, sh)
	}
	return s
}

func savedItem(key []byte, o Outcome) SavedItem {
	it := SavedItem{Address: o.Item.Address, Digest: o.Item.Digest, Destroys: o.Change.Destroys}
	for _, d := range o.Change.Diffs {
		it.Diffs = append(it.Diffs, SavedDiff{d.Attr, d.Got, d.Want, d.Boot})
	}
	for _, s := range o.Change.Steps {
		it.Steps = append(it.Steps, SavedStep{s.String(), host.Digest(key, s)})
	}
	return it
}

// Encode writes the plan file with its MAC (HMAC-SHA-256 by key over the file without it).
func (s Saved) Encode(key []byte) ([]byte, error) {
	s.MAC = ""
	body, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("writing the plan file: %w", err)
	}
	s.MAC = macOf(key, body)
	b, err := json.MarshalIndent(s, "", "  ")
	return append(b, '\n'), err
}

func macOf(key, body []byte) string {
	m := hmac.New(sha256.New, key)
	m.Write(body)
	return hex.EncodeToString(m.Sum(nil))
}

// ErrUnsigned: the plan file bears no signature of somebody who may sign, and one is required.
var ErrUnsigned = errors.New("the plan file is not signed by anybody who may approve it")

// KeyOf is the key of the steps' digests: the file's own, or bisc's.
func (s Saved) KeyOf(own []byte) []byte {
	if s.StepKey == "" {
		return own
	}
	key, _ := hex.DecodeString(s.StepKey) // a file that bisc wrote, or that was signed, has no other; if it had, nothing would fit
	return key
}

// HoldsSecrets tells whether any step of a round carries a secret.
func (r Report) HoldsSecrets() bool {
	return slices.ContainsFunc(r.Outcomes(), func(o Outcome) bool {
		return o.Pending() && slices.ContainsFunc(o.Change.Steps, func(s host.Step) bool {
			switch s := s.(type) {
			case host.Put:
				return s.Secret
			case host.Script:
				return s.Secret
			}
			return false
		})
	})
}

// DecodeSigned reads a plan file of another machine, whose key this one does not have. Its signature must have been
// checked: that is what stands for the MAC.
func DecodeSigned(b []byte) (Saved, error) {
	var s Saved
	if err := json.Unmarshal(b, &s); err != nil {
		return s, fmt.Errorf("%w: %v", ErrAltered, err)
	}
	if s.FormatVersion != SavedVersion {
		return s, fmt.Errorf("%w: format_version is %d, this bisc reads %d", ErrAltered, s.FormatVersion, SavedVersion)
	}
	again, err := json.MarshalIndent(s, "", "  ")
	if err != nil || !bytes.Equal(append(again, '\n'), b) {
		return s, ErrAltered
	}
	if s.StepKey == "" {
		return s, fmt.Errorf("%w: its round has secrets, so that only the machine that made it can apply it", ErrAltered)
	}
	return s, s.expired()
}

func (s Saved) expired() error {
	if now := time.Now(); now.After(s.Expires) {
		return fmt.Errorf("%w %s ago: make a new one with bisc plan --out", ErrExpired, now.Sub(s.Expires).Round(time.Second))
	}
	return nil
}

// Decode reads a plan file and refuses one with any byte altered, or that has expired.
func Decode(b, key []byte) (Saved, error) {
	var s Saved
	if err := json.Unmarshal(b, &s); err != nil {
		return s, fmt.Errorf("%w: %v", ErrAltered, err)
	}
	if s.FormatVersion != SavedVersion {
		return s, fmt.Errorf("%w: format_version is %d, this bisc reads %d", ErrAltered, s.FormatVersion, SavedVersion)
	}
	again, err := s.Encode(key)
	if err != nil || !hmac.Equal(again, b) {
		return s, ErrAltered
	}
	return s, s.expired()
}

// Bind keeps of a fresh report what the saved plan approved. What would now need anything else is Stale, what came into
// view since is NotReached. The error is ErrStale where a host is another, was booted, or is missing.
func (s Saved) Bind(fresh Report, key []byte) (Report, error) {
	out := slices.Clone(fresh)
	for i := range out {
		h := &out[i]
		at := slices.IndexFunc(s.Hosts, func(sh SavedHost) bool { return sh.Host == h.Host })
		if h.Err != nil || at < 0 {
			continue
		}
		if err := s.Hosts[at].same(h.Identity); err != nil {
			return out, err
		}
		h.Outcomes = slices.Clone(h.Outcomes)
		for j := range h.Outcomes {
			s.Hosts[at].bind(&h.Outcomes[j], key)
		}
	}
	return out, nil
}

func (sh SavedHost) same(now Identity) error {
	switch {
	case sh.Identity.MachineID != now.MachineID:
		return fmt.Errorf("%w: %s is another machine (machine id was %s and is %s)", ErrStale, sh.Host, sh.Identity.MachineID, now.MachineID)
	case sh.Identity.BootID != now.BootID:
		return fmt.Errorf("%w: %s was rebooted since (boot id was %s and is %s)", ErrStale, sh.Host, sh.Identity.BootID, now.BootID)
	case sh.Identity.HostKey != now.HostKey:
		return fmt.Errorf("%w: the host key of %s was %s and is %s", ErrStale, sh.Host, sh.Identity.HostKey, now.HostKey)
	}
	return nil
}

func (sh SavedHost) bind(o *Outcome, key []byte) {
	at := slices.IndexFunc(sh.Items, func(it SavedItem) bool { return it.Address == o.Item.Address })
	switch {
	case at >= 0 && o.State == Drifted && !o.Pending() && !sh.Items[at].approved(key).rests(o.Change):
		o.State, o.Reason = Stale, sh.Items[at].approved(key).changed(o.Change) // and now bisc has no step for it
	case !o.Pending():
	case at < 0:
		o.State, o.Reason = NotReached, "it came into view after the plan was made: plan again"
	case sh.Items[at].Digest != o.Item.Digest:
		o.State, o.Reason = Stale, "the plan wants something else of it than when the plan file was made"
	default:
		if a := sh.Items[at].approved(key); !a.covers(o.Change) || !a.rests(o.Change) {
			o.State, o.Reason = Stale, a.changed(o.Change)
		}
	}
}

// approved is the saved item as the change that was approved, with digests in place of steps.
func (it SavedItem) approved(key []byte) approval {
	a := approval{key: key, destroys: it.Destroys}
	for _, st := range it.Steps {
		a.steps = append(a.steps, st.Digest)
	}
	for _, d := range it.Diffs {
		a.diffs = append(a.diffs, modules.Diff{Attr: d.Attr, Got: d.Got, Want: d.Want, Boot: d.Boot})
	}
	return a
}

// Selects narrows a selection to what was observed when the plan file was made. What the file would not change is looked
// at too: the order written and the gates hold for it, and it may come into view by what is done.
func (s Saved) Selects(also func(Item, *Stage) bool) func(Item, *Stage) bool {
	in := map[string]bool{}
	for _, h := range s.Hosts {
		for _, address := range h.Looked {
			in[address] = true
		}
	}
	return func(it Item, st *Stage) bool { return in[it.Address] && (also == nil || also(it, st)) }
}
