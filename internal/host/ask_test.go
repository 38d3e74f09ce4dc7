package host_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"bisc/internal/host"
)

// An API that does not answer is said once, and what else went wrong is said beside it.
func TestAskSaysOnceThatTheAPIIsSilent(t *testing.T) {
	fails := func(err error) func(context.Context) error { return func(context.Context) error { return err } }
	silent := func(of string) error { return fmt.Errorf("reading %s: %w", of, host.ErrNoAPI) }
	other := errors.New("docker is stopped")
	err := host.Ask(t.Context(), fails(silent("pods")), fails(other), fails(silent("claims")), fails(nil))
	if want := "reading pods: the Kubernetes API does not answer\ndocker is stopped"; err == nil || err.Error() != want || !errors.Is(err, host.ErrNoAPI) || !errors.Is(err, other) {
		t.Errorf("%v", err)
	}
}
