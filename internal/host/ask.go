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
	for i, q := range questions {
		all.Add(1)
		go func() {
			defer all.Done()
			errs[i] = q(ctx)
		}()
	}
	all.Wait()
	return errors.Join(errs...)
}
