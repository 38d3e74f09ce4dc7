// Package modules says what a resource is: something that observes a host through a host.Reader and says what stands
// between the host and what is wanted. The kinds live in the folders below it, one file each; all/ lists them.
package modules

import (
	"context"
	"time"

	"bisc/internal/host"
)

// Resource is one desired fact about one host.
type Resource interface {
	// Plan observes, then decides. An error means that something could not be observed (state unknown), never that it
	// is absent.
	Plan(ctx context.Context, h host.Reader) (Change, error)
}

// Awaiter is a resource whose end, once its steps are done, can be waited for on the host itself: what takes minutes is noticed when it
// comes, without asking again and again over the network.
type Awaiter interface {
	// Await returns when what Plan saw may have come to its end, or after limit, and changes nothing. false: there is nothing of the
	// kind to wait for, or it could not be; the caller pauses by itself.
	Await(ctx context.Context, h host.Reader, limit time.Duration) bool
}

// Change is what stands between a host and a resource.
type Change struct {
	// Diffs is empty when the host is in sync.
	Diffs []Diff
	// Steps bring the host to what is wanted, in order. They mend every diff that has no Why.
	Steps []host.Step
	// Destroys says, a line each, what is lost when the steps run. Not empty: the resource's address must be named in
	// --destroy.
	Destroys []string
	// Settle is how long the host may take to agree after the steps. A change with diffs that are to be mended, without steps and
	// with a Settle says that what is wanted is under way already (a detached job is at work): it is waited for and not begun again.
	Settle time.Duration
	// Ended says that what was under way has come to an end without the host agreeing (the job failed, and why): to wait longer is
	// useless. The steps, where there are any, begin it anew.
	Ended string
	// Cuts says what of the operator's own ways in the steps touch: they are done behind a dead-man's switch. A kind may set
	// it where the steps themselves do not tell (see CutsOff); empty where none.
	Cuts string
	// Back is what a dead-man's switch has to put back beside what the steps themselves tell (see CutsOff).
	Back host.Undo
}

// Diff is one attribute that is not as wanted.
type Diff struct {
	Attr, Got, Want string
	// Boot marks the persisted half: what the host will be after its next boot.
	Boot bool
	// Why is set on a diff that no step of this change mends, and says why bisc leaves it.
	Why string
	// Text is a unified diff, for content; it is shown below the line.
	Text string
}

// InSync tells whether nothing differs.
func (c Change) InSync() bool { return len(c.Diffs) == 0 }

// Mendable tells whether a diff is left that the steps are to mend.
func (c Change) Mendable() bool {
	for _, d := range c.Diffs {
		if d.Why == "" {
			return true
		}
	}
	return false
}

// Differ adds a diff of the live half, where got is not want.
func (c *Change) Differ(attr, got, want string) bool {
	if got == want {
		return false
	}
	c.Diffs = append(c.Diffs, Diff{Attr: attr, Got: got, Want: want})
	return true
}

// DifferBoot adds a diff of the persisted half, where got is not want.
func (c *Change) DifferBoot(attr, got, want string) bool {
	if got == want {
		return false
	}
	c.Diffs = append(c.Diffs, Diff{Attr: attr, Got: got, Want: want, Boot: true})
	return true
}

// Refuse adds a diff that bisc will not mend, and why.
func (c *Change) Refuse(attr, got, want, why string) {
	c.Diffs = append(c.Diffs, Diff{Attr: attr, Got: got, Want: want, Why: why})
}

// Do adds steps.
func (c *Change) Do(steps ...host.Step) { c.Steps = append(c.Steps, steps...) }

// Destroy adds what is lost.
func (c *Change) Destroy(what string) { c.Destroys = append(c.Destroys, what) }

// Same tells whether two diffs speak of the same half of the same attribute.
func (d Diff) Same(other Diff) bool { return d.Attr == other.Attr && d.Boot == other.Boot }
