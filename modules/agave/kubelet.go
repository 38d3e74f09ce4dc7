package agave

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"bisc/internal/host"
)

// nodeKubelet is what the host sees of a kind node's kubelet.
type nodeKubelet struct {
	pid   int    // of the node's first process; 0: no such node lives
	start uint64 // of that process, in ticks since boot
	state string // systemd's word in the node: active, inactive, failed, activating; unknown
	alive []int  // its processes
}

func (k nodeKubelet) there() bool { return k.pid > 0 }

// stopped: it does not run, and systemd does not start it (between two tries of its own it says activating).
func (k nodeKubelet) stopped() bool {
	return !k.there() || len(k.alive) == 0 && (k.state == "inactive" || k.state == "failed")
}

// String says what it does.
func (k nodeKubelet) String() string {
	if !k.there() {
		return "no such node lives"
	}
	return fmt.Sprintf("%s, %d processes", k.state, len(k.alive))
}

// stopKubelet is "$1" = the node's first process, "$2" = its start in ticks, "$3" = the node.
const stopKubelet = `set -eu
now=$(sed 's/.*) //' "/proc/$1/stat" | tail -n 1 | cut -d ' ' -f 20)
[ "$now" = "$2" ] || { echo "the node $3 is another process by now" >&2; exit 1; }
enter=$(command -v nsenter)
path=$(tr '\0' '\n' <"/proc/$1/environ" | sed -n 's/^PATH=//p')
timeout -k 1 40 env PATH="${path:-/usr/sbin:/usr/bin:/sbin:/bin}" "$enter" -t "$1" -m -p -- systemctl stop kubelet`

// stop is the step that stops it, by the node's own systemd: its KillMode leaves the pods' processes alone.
func (k nodeKubelet) stop(node string) host.Step {
	return host.Script{Argv: []string{"sh", "-c", stopKubelet, "stop kubelet", strconv.Itoa(k.pid), strconv.FormatUint(k.start, 10), node}, Limit: time.Minute}
}

// readKubelet asks the host; what it does not understand is an error.
func readKubelet(ctx context.Context, h host.Reader, node string) (k nodeKubelet, err error) {
	out, err := h.Query(ctx, host.Kubelet.Argv(node)...)
	if err != nil {
		return k, fmt.Errorf("look for the kubelet of %s: %w", node, err)
	}
	if out.Exit != 0 {
		return k, fmt.Errorf("look for the kubelet of %s: %w", node, &host.ExitError{Argv: []string{"kubelet"}, Exit: out.Exit, Stderr: out.Stderr})
	}
	text := strings.TrimSpace(string(out.Stdout))
	if text == "none" {
		return k, nil
	}
	for line := range strings.Lines(text) {
		w := strings.Fields(line)
		switch {
		case len(w) == 3 && w[0] == "node":
			k.pid, _ = strconv.Atoi(w[1])
			k.start, _ = strconv.ParseUint(w[2], 10, 64)
		case len(w) == 2 && w[0] == "state":
			k.state = w[1]
		case len(w) == 2 && w[0] == "process":
			pid, _ := strconv.Atoi(w[1])
			k.alive = append(k.alive, pid)
		}
	}
	if k.pid <= 0 || k.start == 0 || k.state == "" {
		return k, fmt.Errorf("look for the kubelet of %s: the host says %q", node, text)
	}
	return k, nil
}
