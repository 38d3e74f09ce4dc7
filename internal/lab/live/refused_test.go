package live

import (
	"errors"

	"bisc/internal/host"
)

// refusedBy tells whether a step was not done because of this guard.
func refusedBy(err error, guard string) bool {
	var g *host.GuardError
	return errors.As(err, &g) && g.Guard == guard && !g.Unknown
}
