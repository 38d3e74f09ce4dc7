package layers

import (
	"context"

	"bisc/internal/host"
)

// Hold is host.Hold: it lies with the hosts, where the kind hold reaches it too.
type Hold = host.Hold

// HoldsFile is host.HoldsFile.
func HoldsFile(h host.Reader) string { return host.HoldsFile(h) }

// ReadHolds is host.ReadHolds.
func ReadHolds(ctx context.Context, h host.Reader) ([]Hold, error) { return host.ReadHolds(ctx, h) }

// HoldSteps is host.HoldSteps.
func HoldSteps(h host.Reader, holds []Hold, was []byte) ([]host.Step, error) {
	return host.HoldSteps(h, holds, was)
}
