// Shredmirror reads the shreds that a switch's monitor session copies to its processor, and sends them to the one host that they
// are for.
package main

import (
	"os"

	"bisc/relaybin/daemon"
)

func main() { os.Exit(daemon.Main(command())) }

// command is the daemon with its own settings.
func command() daemon.Command {
	s := new(settings)
	return daemon.Command{
		Name:  "shredmirror",
		About: "reads the shreds of a switch's mirror device and sends them to the one host that they are for",
		Example: "shredmirror --match-addr 203.0.113.10 --match-port 8001 --form sequenced --to 198.51.100.2:20001 " +
			"--via-device et4_1 --via-next-hop 198.51.100.2",
		Metrics: "127.0.0.1:9465",
		Flags:   s.flags,
		Check:   s.check,
		Dry:     s.dry,
		Run:     s.run,
	}
}
