// Shredmeter tells how complete the blocks are that reach the validator, and by which path they came. It listens to devices
// (AF_PACKET) and opens no UDP socket: the validator does not notice it.
//
//	shredmeter --path name=direct,device=eno1,port=8001,not-from=198.51.100.1/32 --path name=relay,device=eno1,port=8001,from=198.51.100.1/32
//	shredmeter mark "relay on"      part what comes from now on from what came before
//	shredmeter report [--json]      what the running shredmeter knows
//
// GET /report (JSON, see package meter) and POST /mark?name=NAME stand beside /metrics and /healthz; /mark takes requests from this
// machine only.
package main

import (
	"os"

	"bisc/relaybin/daemon"
)

func main() {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "mark":
			os.Exit(mark(os.Args[2:], os.Stdout, os.Stderr))
		case "report":
			os.Exit(report(os.Args[2:], os.Stdout, os.Stderr))
		}
	}
	s := &settings{}
	os.Exit(daemon.Main(s.command()))
}
