package main

import (
	"context"
	"fmt"
	"os"
)

// inTurn runs the tools one after the other, n times, and gives each tool's costs in the order of the tools.
func (s *site) inTurn(ctx context.Context, n int, tools func(round int) []tool) (costs []costed, err error) {
	for round := range n {
		for i, t := range tools(round) {
			c, err := s.measure(ctx, t)
			if err != nil {
				return nil, err
			}
			if round == 0 {
				costs = append(costs, costed{name: t.name})
			}
			costs[i].runs = append(costs[i].runs, c)
			fmt.Fprintf(os.Stderr, "run %d of %d: %-20s %8.2f s  %5d turns\n", round+1, n, t.name, c.wall.Seconds(), c.turns)
		}
	}
	return costs, nil
}

// costed is what the runs of one tool cost.
type costed struct {
	name string
	runs []cost
}
