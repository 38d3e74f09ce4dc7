package host

import (
	"context"
	"errors"
	"sync"
)

// Ask runs questions at once and returns when each has its answer, so that they cost one turn together. The error joins
// theirs, in the order given.
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
	return errors.Join(errs...)
}
