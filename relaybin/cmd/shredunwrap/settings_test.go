package main

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// Each setting that cannot be used is refused with status 2 and a line that names it and the remedy.
func TestBadSettings(t *testing.T) {
	for args, want := range map[string]string{
		"":                                                           "--allow: nobody may send (from default); name the switch",
		"--allow 192.0.2.1":                                          "--to: is not set (from default); give the validator's TVU",
		"--allow 192.0.2.1/24 --to 192.0.2.2:1":                      "did you mean 192.0.2.0/24 or 192.0.2.1/32?",
		"--allow ::1/128 --to 192.0.2.2:1":                           "::1/128 is not IPv4",
		"--allow 192.0.2.1 --to 224.0.0.1:1":                         "--to: 224.0.0.1 is no single host",
		"--allow 192.0.2.1 --to 255.255.255.255:1":                   "is no single host",
		"--allow 192.0.2.1 --to 192.0.2.2:0":                         "--to: 192.0.2.2:0 is no IPv4 address and port",
		"--allow 192.0.2.1 --to [::1]:1":                             "--to: [::1]:1 is no IPv4 address and port",
		"--allow 192.0.2.1 --to 192.0.2.2:1":                         "nowhere to listen",
		"--listen-ip 192.0.2.2:1 --allow 192.0.2.1 --to 192.0.2.2:1": "--to: 192.0.2.2:1 is where this daemon listens: packets would go round for ever (from flag)",
		"--listen-ip 0.0.0.0:1 --allow 192.0.2.1 --to 192.0.2.2:1":   "packets would go round for ever",
		"--listen-ip 192.0.2.2:1 --listen-sequenced 0.0.0.0:1 --allow 192.0.2.1 --to 192.0.2.3:9":    "--listen-sequenced: 0.0.0.0:1 is the port of the form ip too",
		"--listen-ip [::1]:1 --allow 192.0.2.1 --to 192.0.2.3:9":                                     "--listen-ip: [::1]:1 (from flag); an IPv4 address",
		"--allow 192.0.2.1 --to 192.0.2.2:1 --filter maybe":                                          `--filter: "maybe"`,
		"--allow 192.0.2.1 --to 192.0.2.2:1 --gso maybe":                                             `--gso: "maybe"`,
		"--allow 192.0.2.1 --to 192.0.2.2:1 --buffer 1":                                              "--buffer: 1 bytes (from flag); give",
		"--allow 192.0.2.1 --to 192.0.2.2:1 --shred-version 70000":                                   "--shred-version: 70000",
		"--allow 192.0.2.1 --to 192.0.2.2:1 --match-port 70000":                                      "--match-port: 70000",
		"--allow 192.0.2.1 --to 192.0.2.2:1 --match-addr ::1":                                        "--match-addr: ::1",
		"--allow 192.0.2.1 --to 192.0.2.2:1 --netns run/x":                                           `--netns: "run/x"`,
		"--allow " + strings.TrimSuffix(strings.Repeat("192.0.2.1,", 65), ",") + " --to 192.0.2.2:1": "--allow: 65 prefixes, at most 64",
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second) // one that is not refused would run
		defer cancel()
		cmd := exec.CommandContext(ctx, os.Args[0], strings.Fields(args)...)
		cmd.Env = append(os.Environ(), "BISC_TEST_DAEMON=1")
		out, _ := cmd.CombinedOutput()
		if status := cmd.ProcessState.ExitCode(); status != 2 || !strings.Contains(string(out), want) {
			t.Errorf("%s: status %d, no %q in\n%s", args, status, want, out)
		}
	}
}
