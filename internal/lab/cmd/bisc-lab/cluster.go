package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"

	"bisc/internal/lab/cluster/kube"
)

// cluster prepares what a test's cluster would build when it starts.
func cluster(args []string) error {
	if len(args) != 1 || args[0] != "setup" {
		return errors.New("want bisc-lab cluster setup")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return kube.Setup(ctx, os.Stderr)
}
