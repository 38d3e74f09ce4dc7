package eos

import (
	"testing"

	"bisc/modules/kindtest"
)

func TestReplay(t *testing.T) {
	kindtest.Replay(t, "testdata/*.txtar", OwnershipKind, SectionKind, LinesKind, ACLKind, VRFKind, TunnelKind, EventHandlerKind, TrafficPolicyKind, InterfaceKind)
}
