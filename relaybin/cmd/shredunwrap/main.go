// Shredunwrap takes shreds that the switch's mirror sends to the host, takes the wrapping off, and forwards each to the
// validator's TVU port and nowhere else.
//
// Two forms come in, on a port each: `ip` is the IP packet as it was on the wire, `sequenced` has a header of the relay's own
// (package stream), from which loss, order, duplicates and delay are told.
package main

import (
	"context"
	"io"
	"os"

	"bisc/relaybin/daemon"
)

func main() { os.Exit(daemon.Main(command())) }

func command() daemon.Command {
	s := new(settings)
	return daemon.Command{
		Name:    "shredunwrap",
		About:   "takes mirrored shreds from the switch, unwraps them, and forwards them to the validator's TVU port",
		Example: "shredunwrap --listen-sequenced 172.16.1.200:9101 --allow 172.16.1.188/32 --to 172.20.0.2:9000",
		Metrics: "127.0.0.1:9466",
		Sockets: []string{formIP.String(), formSequenced.String()},
		Flags:   s.declare,
		Check:   s.check,
		Dry:     func(ctx context.Context, w io.Writer) error { return s.dry(w) },
		Run:     func(ctx context.Context, svc *daemon.Service) error { return run(ctx, s, svc) },
	}
}
