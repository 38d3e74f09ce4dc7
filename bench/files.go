package main

import (
	"context"
	"fmt"
)

// files compares a run that changes 100 files. Every run has content of its own, so each tool has to write all of them.
// Ansible as it comes is left out, for time.
func files(ctx context.Context, b *bench) (string, error) {
	s, err := openSite(ctx, b.bisc, b.top, rtt, "target")
	if err != nil {
		return "", err
	}
	defer s.close()
	round := 0
	next := func() string { round++; return fmt.Sprint("round=", round) }
	costs, err := s.inTurn(ctx, b.runs, func(int) []tool {
		ours := s.apply("files", "--set", next())
		ours.says = "+ target:units.file[/srv/bench/many/99]"
		return []tool{ours, s.playbook(mitogen, "files.yml", "changed=1", next()), s.playbook(pipelined, "files.yml", "changed=1", next())}
	})
	if err != nil {
		return "", err
	}
	return table(costs, map[string]float64{pipelined: 100, mitogen: 9}), nil
}
