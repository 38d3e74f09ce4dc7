// Command bisc-lab runs the lab's test hosts; see package lab.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"bisc/internal/lab"
	"bisc/internal/lab/eos/box"
	"bisc/internal/lab/eos/linux"
	"bisc/internal/lab/standin"
	"bisc/internal/lab/supervise"
)

const usage = `usage:
  bisc-lab setup                                build the hosts' root file system, once a machine (about a minute)
  bisc-lab host [flags] --names a,b             run hosts in the foreground until stdin ends
  bisc-lab up   [flags] --names a,b --dir DIR   run hosts in the background; DIR gets ssh_config and hosts.json
  bisc-lab down --dir DIR                       end them
  bisc-lab cluster setup                        build Kubernetes for the test clusters, once a machine (5 to 10 minutes)
  bisc-lab machine setup                        build the virtual machine with ZFS, once a machine (6 to 12 minutes)
  bisc-lab machine up --dir DIR                 run one in the background; DIR gets ssh_config
  bisc-lab machine down --dir DIR               end it
  bisc-lab eos up --startup FILE --dir DIR      run an emulated EOS switch in the background; DIR gets ssh_config
  bisc-lab eos down --dir DIR                   end it
  bisc-lab eos run --startup FILE --dir DIR     run one in the foreground until a signal comes

flags of host and up:
  --docker            docker and containerd are enabled
  --disk SIZE         size of each host's root disk (4g)
  --pool NAME=SIZE    a ZFS pool that each host has; may be repeated
  --port N            the first host's port on 127.0.0.1; the others follow (0: any free)
  --keep              host only: run until a signal comes, whatever stdin is
  --lab JSON          all of this for each host by itself, as package spec defines it

flags of eos up and eos run:
  --name NAME         the switch's name where its configuration has none (localhost)
  --user NAME         who may log in with DIR/key (admin)
  --serial SERIAL     its serial number
  --version VERSION   of EOS (4.34.0F); before 4.32 the sessions' JSON has its old shape
  --flash DIR         what lies on its flash from the start
  --wire PORT=DEV,NETNS[,ADDR/LEN]
                      a port's cable: its far end is DEV in a network namespace (a file); may be repeated
`

func main() {
	if name := filepath.Base(os.Args[0]); standin.Is(name) {
		os.Exit(standin.Main(name, os.Args[1:]))
	}
	if tool := linux.Tool(filepath.Base(os.Args[0])); tool != nil {
		os.Exit(tool(os.Args[1:]))
	}
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bisc-lab:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 0 {
		fmt.Fprint(os.Stderr, usage)
		return fmt.Errorf("no command given")
	}
	switch verb, rest := args[0], args[1:]; verb {
	case "setup":
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		return lab.Setup(ctx, os.Stderr)
	case "host":
		return host(rest)
	case "up":
		return up(rest)
	case "down":
		return down(rest)
	case "cluster":
		return cluster(rest)
	case "machine":
		return machine(rest)
	case "eos":
		return eosVerb(rest)
	case box.InitVerb:
		return box.Init()
	case box.BoxVerb:
		return box.Main()
	case supervise.InnerVerb:
		return supervise.Inner(rest, os.Stdin, os.Stdout)
	case "help", "-h", "--help":
		fmt.Print(usage)
		return nil
	default:
		fmt.Fprint(os.Stderr, usage)
		return fmt.Errorf("unknown command %q", verb)
	}
}
