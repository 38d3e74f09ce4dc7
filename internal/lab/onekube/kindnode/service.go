package main

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// service is one that init keeps running.
type service struct {
	name   string
	path   string // whose last part is the process' name, as pgrep -x wants it
	args   []string
	signal syscall.Signal // that ends it
	pid    int            // 0: it does not run
	gone   chan struct{}  // closed when the process that runs has ended
	off    bool           // stopped by systemctl
	once   bool           // until it has succeeded
}

// wanted are the services of a rig, in the order of their start.
func wanted(rig, host string) ([]*service, error) {
	name, ok := cutNode(host)
	if !ok {
		return nil, fmt.Errorf("the node's name is %q, want CLUSTER-control-plane", host)
	}
	plane := &service{name: "kube-control-plane", path: "/kind/bin/kube-control-plane", args: []string{"control-plane", "--name=" + name}, signal: syscall.SIGTERM}
	switch rig {
	case "A", "M":
		return []*service{plane, {name: "kubelet", path: "/kind/bin/kubelet", args: []string{"fakelet", "--node=" + host}, signal: syscall.SIGTERM}}, nil
	case "B":
		return []*service{
			{name: "containerd", path: "/usr/bin/containerd", args: []string{"containerd"}, signal: syscall.SIGTERM},
			{name: "pause-image", path: "/usr/bin/ctr", args: []string{"ctr", "-n", "k8s.io", "images", "import", "/kind/pause.tar"}, once: true},
			plane,
			{name: "kubelet", path: "/kind/bin/kubelet", args: []string{"kubelet", "--config=/kind/kubelet.yaml", "--kubeconfig=/run/onekube/kubeconfig",
				"--node-labels=ingress-ready=true", "--hostname-override=" + host}, signal: syscall.SIGTERM},
		}, nil
	}
	return nil, fmt.Errorf("the image names rig %q, want A, B or M", rig)
}

const nodeSuffix = "-control-plane"

func cutNode(host string) (string, bool) {
	if len(host) <= len(nodeSuffix) || host[len(host)-len(nodeSuffix):] != nodeSuffix {
		return "", false
	}
	return host[:len(host)-len(nodeSuffix)], true
}

// start starts a service that does not run. What it says goes to its log, as the journal would have it.
func (p *initProcess) start(s *service) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s.pid != 0 || p.halting {
		return nil
	}
	log, err := os.OpenFile(filepath.Join("/var/log", s.name+".log"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return fmt.Errorf("start %s: %w", s.name, err)
	}
	defer log.Close()
	none, err := os.Open(os.DevNull)
	if err != nil {
		return fmt.Errorf("start %s: %w", s.name, err)
	}
	defer none.Close()
	pid, err := syscall.ForkExec(s.path, s.args, &syscall.ProcAttr{Env: os.Environ(), Dir: "/",
		Files: []uintptr{none.Fd(), log.Fd(), log.Fd()}, Sys: &syscall.SysProcAttr{Setsid: true}})
	if err != nil {
		return fmt.Errorf("start %s: %w", s.name, err)
	}
	ended := make(chan syscall.WaitStatus, 1)
	p.children[pid] = ended
	s.pid, s.gone, s.off = pid, make(chan struct{}), false
	go p.keep(s, ended, s.gone)
	return nil
}

// keep waits for a service's end and starts it again unless it was stopped.
func (p *initProcess) keep(s *service, ended <-chan syscall.WaitStatus, gone chan struct{}) {
	status := <-ended
	p.mu.Lock()
	s.pid = 0
	s.off = s.off || s.once && status.ExitStatus() == 0
	again := !s.off && !p.halting
	p.mu.Unlock()
	close(gone)
	if !again {
		return
	}
	time.Sleep(restartDelay)
	p.mu.Lock()
	again = !s.off
	p.mu.Unlock()
	if again {
		p.start(s) // it has run before; what fails now fails at the next start as well
	}
}

// stop ends a service's process, and that alone (KillMode=process), and waits for its end.
func (p *initProcess) stop(s *service) {
	p.mu.Lock()
	s.off = true
	pid, gone := s.pid, s.gone
	if pid != 0 {
		syscall.Kill(pid, s.signal)
	}
	p.mu.Unlock()
	if pid != 0 {
		<-gone
	}
}
