package network

import (
	"testing"

	"bisc/modules/kindtest"
)

func TestRuleReplay(t *testing.T) {
	kindtest.Replay(t, "testdata/rule-*.txtar", NATRuleKind, FilterRuleKind, FirewalldPolicyKind, ConntrackFlowKind)
}
