package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"go.etcd.io/etcd/server/v3/embed"
)

// startEtcd starts etcd on its data folder, which outlives it, and returns where it listens. etcd wants host:port of a
// URL; a unix socket by such a name appears in the working folder, so that it takes no port that a test could miss.
func startEtcd(ctx context.Context, dir string) (*embed.Etcd, string, error) {
	cfg := embed.NewConfig()
	cfg.Dir = dir
	cfg.LogLevel = "error"
	cfg.UnsafeNoFsync = true // what a power cut would lose is not what these clusters are for
	client, peer := url.URL{Scheme: "unix", Host: "localhost:1"}, url.URL{Scheme: "unix", Host: "localhost:2"}
	cfg.ListenClientUrls, cfg.AdvertiseClientUrls = []url.URL{client}, []url.URL{client}
	cfg.ListenPeerUrls, cfg.AdvertisePeerUrls = []url.URL{peer}, []url.URL{peer}
	cfg.InitialCluster = cfg.InitialClusterFromName(cfg.Name)
	cfg.TickMs, cfg.ElectionMs = 10, 100
	server, err := embed.StartEtcd(cfg)
	if err != nil {
		return nil, "", fmt.Errorf("start etcd: %w", err)
	}
	select {
	case <-server.Server.ReadyNotify():
		return server, client.String(), nil
	case err = <-server.Err():
	case <-ctx.Done():
		err = errors.New("not ready when the time was over")
	}
	server.Server.HardStop()
	return nil, "", fmt.Errorf("start etcd: %w", err)
}
