package journal

import (
	"context"
	"time"

	"bisc/layers"
)

// Standing is how an address stands, and since when, as far as was seen.
type Standing struct {
	Address, Host string
	State         string // the last one seen
	Diff          string
	Digest        string
	// Since is when State was first seen in a row, and Run the run that saw it. What it was before that, between two
	// rounds, nobody knows.
	Since time.Time
	Run   string
	// InSync is when it was first seen in sync the last time that it was; zero: never.
	InSync time.Time
	First  time.Time // when it was first seen at all
	Times  int       // how often something else was seen than the time before
	// Flaps is how often it went from in sync to something else under one and the same plan.
	Flaps int
}

// good tells whether a state means that the host is as wanted.
func good(state string) bool {
	return state == layers.InSync.String() || state == layers.Changed.String()
}

// StandingOf reads observations of one address, oldest first. There is at least one.
func StandingOf(saw []Observation) Standing {
	first := saw[0]
	s := Standing{Address: first.Address, Host: first.Host, First: first.At}
	for i, o := range saw {
		s.Times++
		same := i > 0 && (o.State == s.State || good(o.State) && good(s.State))
		if !same {
			s.Since, s.Run = o.At, o.Run
			if good(o.State) {
				s.InSync = o.At
			}
			if i > 0 && good(s.State) && o.Digest == s.Digest {
				s.Flaps++
			}
		}
		s.State, s.Diff, s.Digest = o.State, o.Diff, o.Digest
	}
	return s
}

// Standing tells how an address stands; ok is false for one that was never seen.
func (j *Journal) Standing(ctx context.Context, address string) (s Standing, ok bool, err error) {
	saw, err := list(ctx, j, scanSeen, `SELECT run, host, address, digest, state, body, at FROM record
		WHERE kind = 'seen' AND address = ? ORDER BY seq`, address)
	if err != nil || len(saw) == 0 {
		return Standing{}, false, err
	}
	return StandingOf(saw), true, nil
}

// Standings tells how every address that was ever seen stands, in the order in which they were first seen.
func (j *Journal) Standings(ctx context.Context) ([]Standing, error) {
	saw, err := list(ctx, j, scanSeen, `SELECT run, host, address, digest, state, body, at FROM record
		WHERE kind = 'seen' ORDER BY seq`)
	if err != nil {
		return nil, err
	}
	var order []string
	of := map[string][]Observation{}
	for _, o := range saw {
		if of[o.Address] == nil {
			order = append(order, o.Address)
		}
		of[o.Address] = append(of[o.Address], o)
	}
	var out []Standing
	for _, a := range order {
		out = append(out, StandingOf(of[a]))
	}
	return out, nil
}

// News counts the observations that are not as the last ones of their addresses: those that Observe would record.
func (j *Journal) News(ctx context.Context, all ...Observation) (int, error) {
	n := 0
	for _, o := range all {
		s, ok, err := j.last(ctx, o.Address)
		if err != nil {
			return 0, err
		}
		if !ok || s.State != o.State || s.Digest != o.Digest || s.Diff != o.Diff {
			n++
		}
	}
	return n, nil
}

func (j *Journal) last(ctx context.Context, address string) (Observation, bool, error) {
	saw, err := list(ctx, j, scanSeen, `SELECT run, host, address, digest, state, body, at FROM record
		WHERE kind = 'seen' AND address = ? ORDER BY seq DESC LIMIT 1`, address)
	if err != nil || len(saw) == 0 {
		return Observation{}, false, err
	}
	return saw[0], true, nil
}
