package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
)

// lent is where the host has what a node of rig M needs of its control plane, which runs on another host: the kubeconfigs that it
// would write, and a socket that leads to its API. A node sees the host's /usr.
const lent = "/usr/lib/bisc-lab/control-plane"

// written are the files that a control plane writes, by their names in lent.
var written = map[string]string{"admin.conf": "/etc/kubernetes/admin.conf", "kubeconfig": "/run/onekube/kubeconfig"}

// ready is there while the API answers at its port, if it does at all.
const ready = "/run/onekube/ready"

// tunnel is in the place of the control plane: it has the API at its port until it is ended, which ends all connections.
func tunnel() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := os.MkdirAll(filepath.Dir(ready), 0o700); err != nil {
		return err
	}
	for name, to := range written {
		text, err := os.ReadFile(filepath.Join(lent, name))
		if err != nil {
			return fmt.Errorf("read what the control plane wrote: %w", err)
		}
		if err := os.WriteFile(to, text, 0o600); err != nil {
			return err
		}
	}
	l, err := net.Listen("tcp", ":6443")
	if err != nil {
		return err
	}
	if err := os.WriteFile(ready, nil, 0o644); err != nil {
		return err
	}
	defer os.Remove(ready)
	failed := make(chan error, 1)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				failed <- err
				return
			}
			go pipe(conn)
		}
	}()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
		return nil
	}
}

// pipe carries one connection until an end of it closes. Where the way is gone, the connection ends at once, as of an API that is away.
func pipe(near net.Conn) {
	defer near.Close()
	far, err := net.Dial("unix", filepath.Join(lent, "api.sock"))
	if err != nil {
		fmt.Fprintln(os.Stderr, "control-plane:", err)
		return
	}
	defer far.Close()
	over := make(chan struct{}, 2)
	for _, way := range [][2]net.Conn{{near, far}, {far, near}} {
		go func() {
			io.Copy(way[0], way[1])
			over <- struct{}{}
		}()
	}
	<-over
}
