// Package fetch brings a fresh pair of snapshots into a folder of this host: the full from the fastest source or from what is
// there already, then incrementals until they have caught up with the cluster. Nothing has its final name before it is whole.
package fetch

import (
	"errors"
	"fmt"
	"time"

	"bisc/hostbin/cluster"
	"bisc/hostbin/snapshots"
)

// Order is what is wanted.
type Order struct {
	// Into is the folder. While a validator runs it is one of its own: a live agave purges archives that it does not know.
	Into string
	// Have are other folders of the same file system whose fulls may serve: they are linked, not copied.
	Have []string
	// Finding says which sources will do.
	Finding cluster.Finding
	// Close is how few slots behind the cluster the incremental has to be before no newer one is fetched.
	Close uint64
	// Within is how long incrementals are followed, at most; Poll how long is waited for a newer one.
	Within, Poll time.Duration
	// Misses is how often an incremental for our full is looked for before the full is taken for an orphan. Attempts is how many
	// downloads may fail before it is given up; Fulls how many fulls are fetched at most.
	Misses, Attempts, Fulls int
	// Stall ends a download that brings nothing for so long. Window is over how long a download's rate is judged.
	Stall, Window time.Duration
	// Reserve is what has to stay free on the file system, in bytes.
	Reserve int64
	// Aria is aria2c's path; "" does without.
	Aria string
	// From and Cap are the client's, for aria2c.
	From string
	Cap  int64
}

// Defaults are the bounds of an order that says nothing else.
func Defaults() Order {
	return Order{
		Close: snapshots.Close, Within: 30 * time.Minute, Poll: 10 * time.Second, Misses: 3, Attempts: 5, Fulls: 2,
		Stall: 30 * time.Second, Window: 30 * time.Second, Reserve: 2 << 30,
	}
}

// Check finds what cannot be.
func (o Order) Check() error {
	var faults []error
	if o.Into == "" {
		faults = append(faults, errors.New("--into: name the folder that the snapshots belong in"))
	}
	if o.Misses < 1 || o.Attempts < 1 || o.Fulls < 1 {
		faults = append(faults, errors.New("--attempts, --misses and --fulls are at least 1"))
	}
	if o.Within <= 0 || o.Poll <= 0 {
		faults = append(faults, fmt.Errorf("--within %s, --poll %s: both are above zero: every wait has a limit", o.Within, o.Poll))
	}
	if o.Cap > 0 && o.Finding.Wants.MinSpeed > o.Cap {
		faults = append(faults, fmt.Errorf("--min-speed %s a second is more than --bandwidth lets through (%s): no source could pass", snapshots.Bytes(o.Finding.Wants.MinSpeed), snapshots.Bytes(o.Cap)))
	}
	return errors.Join(faults...)
}
