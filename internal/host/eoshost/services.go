package eoshost

import (
	"context"

	"bisc/internal/host"
)

// Kube is not carried.
func (h *Host) Kube(context.Context, host.KubeQuery) ([]byte, error) { return nil, host.ErrForwarding }

// Docker is not carried.
func (h *Host) Docker(context.Context, host.DockerQuery) ([]byte, error) {
	return nil, host.ErrForwarding
}

// RPC is not carried.
func (h *Host) RPC(context.Context, host.RPCQuery) ([]byte, error) { return nil, host.ErrForwarding }
