// kindnode is what a lab cluster's node has instead of systemd and, on rig A, of containerd: by the name it is called,
//
//	init                      the node's first process: starts its services, ends them when docker says so
//	systemctl                 asks init
//	control-plane             on rig M, the way to the control plane of another host
//	containerd-shim-lab DIR   starts and keeps one container of rigs A and M
//	ctr, crictl               the image store of rigs A and M
//	runc                      the real one, for rig B's containers, less what this machine cannot give
//	pause                     the first process of rig B's pods
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	name, args := filepath.Base(os.Args[0]), os.Args[1:]
	var err error
	switch name {
	case "init":
		err = initMain(args)
	case "systemctl":
		err = systemctl(args)
	case "control-plane":
		err = tunnel()
	case "containerd-shim-lab":
		err = shim(args)
	case containerInit:
		err = enter()
	case "runc":
		err = runc(args)
	case "pause":
		err = pause()
	case "ctr":
		err = ctr(args)
	case "crictl":
		err = crictl(args)
	default:
		err = fmt.Errorf("unknown name")
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1)
	}
}
