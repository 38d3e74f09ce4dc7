package agave

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"bisc/internal/host"
)

// ReachQuery says which entrypoint is asked, and for what.
type ReachQuery struct {
	Entrypoint string   // NAME:PORT
	TCP, UDP   []uint16 // ports that it is to try, at most four each
	Node       string   // the container in whose network it is asked; "": the host's own
}

// Reach is what an entrypoint sees of a host.
type Reach struct {
	Seen         netip.Addr // the address that the question came from, as the entrypoint sees it; invalid where it did not answer
	ShredVersion uint16     // 0: it said none
	Reached      []string   // "tcp 8001", "udp 8001"
	Busy         []string   // those that somebody holds, which were not tried
	Silent       string     // why the entrypoint gave no answer
}

// reachSeconds is how long the whole exchange may take, its second try included.
const reachSeconds = 10

// ReadReach has the host ask. An error means that it could not.
func ReadReach(ctx context.Context, r host.Reader, q ReachQuery) (Reach, error) {
	name, port, ok := strings.Cut(q.Entrypoint, ":")
	if !ok {
		return Reach{}, fmt.Errorf("the entrypoint %q: want NAME:PORT", q.Entrypoint)
	}
	inside := ""
	if q.Node != "" {
		pid, err := nodeProcess(ctx, r, q.Node)
		if err != nil {
			return Reach{}, err
		}
		inside = strconv.Itoa(pid)
	}
	argv := host.IPEcho.Argv(inside, name, port, joined(q.TCP), joined(q.UDP), strconv.Itoa(reachSeconds))
	out, err := r.Query(ctx, argv...)
	if err == nil && out.Exit != 0 {
		err = &host.ExitError{Argv: []string{host.IPEcho.Name}, Exit: out.Exit, Stderr: out.Stderr}
	}
	if err != nil {
		return Reach{}, fmt.Errorf("ask %s how it sees the host: %w", q.Entrypoint, err)
	}
	return parseReach(string(out.Stdout))
}

func parseReach(text string) (Reach, error) {
	var got Reach
	for line := range strings.Lines(text) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		var err error
		switch word {
		case "entrypoint":
		case "seen":
			got.Seen, err = netip.ParseAddr(rest)
		case "shred_version":
			var n uint64
			n, err = strconv.ParseUint(rest, 10, 16)
			got.ShredVersion = uint16(n)
		case "tcp", "udp":
			got.Reached = append(got.Reached, word+" "+rest)
		case "busy":
			got.Busy = append(got.Busy, rest)
		case "silent":
			got.Silent = rest
		case "no":
			got.Silent = word + " " + rest
		default:
			err = errors.New("unknown word")
		}
		if err != nil {
			return Reach{}, fmt.Errorf("what the host makes of the entrypoint's answer is not understood: %q: %w", strings.TrimSpace(line), err)
		}
	}
	if !got.Seen.IsValid() && got.Silent == "" {
		return Reach{}, errors.New("the host does not say how the entrypoint saw it")
	}
	return got, nil
}

// nodeProcess is the first process of a container that runs.
func nodeProcess(ctx context.Context, r host.Reader, name string) (int, error) {
	text, err := r.Docker(ctx, host.DockerQuery{What: host.DockerContainer, Name: name})
	if errors.Is(err, fs.ErrNotExist) {
		return 0, fmt.Errorf("there is no container %s in whose network an entrypoint could be asked", name)
	}
	if err != nil {
		return 0, fmt.Errorf("find the network of the container %s: %w", name, err)
	}
	var c struct {
		State struct {
			Running bool
			Pid     int
		}
	}
	if err := json.Unmarshal(text, &c); err != nil {
		return 0, fmt.Errorf("docker's answer about %s: %w", name, err)
	}
	if !c.State.Running || c.State.Pid <= 0 {
		return 0, fmt.Errorf("the container %s does not run, so there is no network to ask from", name)
	}
	return c.State.Pid, nil
}

func joined(ports []uint16) string {
	words := make([]string, len(ports))
	for i, p := range ports {
		words[i] = strconv.Itoa(int(p))
	}
	return strings.Join(words, ",")
}

// missed are the ports that were tried and not reached.
func (g Reach) missed(q ReachQuery) []string {
	var out []string
	for what, ports := range map[string][]uint16{"tcp": q.TCP, "udp": q.UDP} {
		for _, p := range ports {
			if name := fmt.Sprintf("%s %d", what, p); !slices.Contains(g.Reached, name) && !slices.Contains(g.Busy, name) {
				out = append(out, name)
			}
		}
	}
	slices.Sort(out)
	return out
}
