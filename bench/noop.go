package main

import (
	"context"
	"time"
)

const rtt = 25 * time.Millisecond

// noop compares a run that finds 50 resources in sync.
func noop(ctx context.Context, b *bench) (string, error) {
	s, err := openSite(ctx, b.bisc, b.top, rtt, "target")
	if err != nil {
		return "", err
	}
	defer s.close()
	ours := s.plan("noop")
	ours.says = "50 in sync"
	tools := []tool{ours}
	for _, rival := range []string{mitogen, pipelined, plain} {
		tools = append(tools, s.playbook(rival, "noop.yml", "changed=0"))
	}
	costs, err := s.inTurn(ctx, b.runs, func(int) []tool { return tools })
	if err != nil {
		return "", err
	}
	return table(costs, map[string]float64{plain: 60, pipelined: 35, mitogen: 8}), nil
}
