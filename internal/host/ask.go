package host

import (
	"context"
	"errors"
	"slices"
	"sync"
)

// Ask runs questions at once and returns when each has its answer, so that they cost one turn together. The error joins
// theirs, in the order given; that a cluster's API does not answer is said once.
func Ask(ctx context.Context, questions ...func(context.Context) error) error {
	errs := make([]error, len(questions))
	var all sync.WaitGroup
	last := len(questions) - 1
	for i, q := range questions {
		if i == last { // the asker has nothing else to do: a thousand resources are some thousand stacks fewer
			errs[i] = q(ctx)
			break
		}
		all.Go(func() { errs[i] = q(ctx) })
	}
	all.Wait()
	return errors.Join(silentOnce(errs)...)
}

// silentOnce keeps the first of the errors by which a cluster's API does not answer: the others say the same of other objects.
func silentOnce(errs []error) []error {
	said := false
	return slices.DeleteFunc(errs, func(err error) bool {
		silent := errors.Is(err, ErrNoAPI)
		defer func() { said = said || silent }()
		return silent && said
	})
}
