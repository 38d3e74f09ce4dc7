package eoshost

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/crypto/ssh"

	"bisc/internal/host"
	"bisc/internal/host/eoshost/eapi"
)

//go:embed linux/facts.sh
var factsText string

// Facts are what a switch said of itself when it was connected to.
type Facts struct {
	Hostname     string `json:"hostname"`
	Model        string `json:"model"`
	Version      string `json:"version"` // of EOS: 4.34.0F
	Architecture string `json:"architecture"`
	Serial       string `json:"serial"`
	MAC          string `json:"mac"` // of the system
}

// Facts gives them; nothing is asked.
func (h *Host) Facts() Facts {
	return Facts{Hostname: h.is.hostname, Model: h.is.model, Version: h.is.version, Architecture: h.is.architecture, Serial: h.is.serial, MAC: h.is.mac}
}

// Capability is one thing of which nobody says in public whether EOS has it ([U] in reference/eos.md), and what this switch said.
type Capability struct {
	Name string `json:"name"`
	// Holds is yes, no, or unknown.
	Holds string `json:"holds"`
	How   string `json:"how"` // what was seen, or why it was not asked
}

// What a capability can be.
const (
	yes       = "yes"
	no        = "no"
	unknown   = "unknown"
	notByRead = "finding out would change the switch"
)

// capabilities are kept with the connection: a switch is asked once.
type capabilities struct {
	once sync.Mutex
	list []Capability
}

// Capabilities finds out what the switch can do, by reading alone. It is asked once a connection.
func (h *Host) Capabilities(ctx context.Context) ([]Capability, error) {
	h.can.once.Lock()
	defer h.can.once.Unlock()
	if h.can.list != nil {
		return h.can.list, nil
	}
	var linux, sftp, exec, lines, socket, port []Capability
	err := host.Ask(ctx,
		func(ctx context.Context) (err error) { linux, err = h.linuxFacts(ctx); return err },
		func(ctx context.Context) error { sftp = one(h.subsystem(ctx, "sftp")); return ctx.Err() },
		func(ctx context.Context) error {
			exec = one(h.execs(ctx, "a command over exec", "show hostname"))
			return ctx.Err()
		},
		func(ctx context.Context) error {
			lines = one(h.execs(ctx, "several lines over exec", "show hostname\nshow clock"))
			return ctx.Err()
		},
		func(ctx context.Context) error {
			socket = one(h.forwards(ctx, eapi.Config{Mode: eapi.Unix}))
			return ctx.Err()
		},
		func(ctx context.Context) error {
			port = one(h.forwards(ctx, eapi.Config{Mode: eapi.HTTP}))
			return ctx.Err()
		},
	)
	if err != nil {
		return nil, err
	}
	all := append(append(append(exec, lines...), sftp...), append(socket, port...)...)
	all = append(append(all, linux...),
		Capability{"a lock outlives an eAPI request", unknown, notByRead + "; bisc locks on a console"},
		Capability{"a second session may be committed while a timer runs", unknown, notByRead + "; bisc never does"},
		Capability{"the longest commit timer", unknown, notByRead})
	h.can.list = all
	return all, nil
}

func one(c Capability) []Capability { return []Capability{c} }

// linuxFacts reads the switch's Linux. A user who may not run bash has none of it, which is an answer.
func (h *Host) linuxFacts(ctx context.Context) ([]Capability, error) {
	out, err := h.linux(ctx, bashLimit, true, "ask the switch's Linux", factsText)
	switch {
	case errors.Is(err, errNoBash):
		return one(Capability{"bash as root", no, err.Error()}), nil
	case err != nil && ctx.Err() == nil && errors.Is(err, host.ErrStuck):
		return one(Capability{"bash as root", unknown, err.Error()}), nil
	case err != nil:
		return nil, err
	}
	said := map[string]string{}
	for line := range strings.Lines(string(out.Stdout)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "\t")
		said[key] = strings.TrimSuffix(strings.TrimSpace(value), ";")
	}
	return factsOf(said), nil
}

// factsOf judges what the switch's Linux said; what it did not say is unknown.
func factsOf(said map[string]string) []Capability {
	out := []Capability{
		{"bash as root", yes, "PID 1 is " + orNothing(said["pid1"]) + ", " + orNothing(said["machine"])},
		sayFlash(said["flash"]),
		{"free on flash", unknown, "df does not say"},
		sayNamespace(said["namespace"], said["namespaces"]),
		sayOption("sshd forwards to ports", said["sshd-allowtcpforwarding"]),
		sayOption("sshd forwards to sockets", said["sshd-allowstreamlocalforwarding"]),
	}
	if kib, err := strconv.ParseInt(said["flash-free"], 10, 64); err == nil {
		out[2].Holds, out[2].How = yes, fmt.Sprintf("%d MiB", kib>>10)
	}
	return out
}

func sayFlash(fs string) Capability {
	c := Capability{"programs run from flash", unknown, "findmnt does not say how /mnt/flash is mounted"}
	kind, options, ok := strings.Cut(fs, " ")
	if !ok {
		return c
	}
	c.Holds, c.How = yes, kind+" "+strings.TrimSpace(options)
	for o := range strings.SplitSeq(strings.TrimSpace(options), ",") {
		if o == "noexec" {
			c.Holds = no
		}
	}
	return c
}

func sayNamespace(used, all string) Capability {
	c := Capability{"the login is in the default VRF", unknown, "namespaces: " + orNothing(all)}
	switch used {
	case "":
	case "the same":
		c.Holds = yes
	default:
		c.Holds, c.How = no, "bisc goes there by "+used+"; "+c.How
	}
	return c
}

func sayOption(name, value string) Capability {
	c := Capability{name, unknown, "sshd -T does not say"}
	switch value {
	case "":
	case "yes", "all", "local":
		c.Holds, c.How = yes, "sshd -T: "+value
	default:
		c.Holds, c.How = no, "sshd -T: "+value
	}
	return c
}

func orNothing(s string) string {
	if s == "" {
		return "(nothing)"
	}
	return s
}

// subsystem tells whether sshd starts one.
func (h *Host) subsystem(ctx context.Context, name string) Capability {
	c := Capability{"the " + name + " subsystem", unknown, ""}
	ok, err := h.request(ctx, "subsystem", name, nil)
	switch {
	case err != nil:
		c.How = err.Error()
	case ok:
		c.Holds, c.How = yes, "sshd starts it"
	default:
		c.Holds, c.How = no, "sshd refuses it"
	}
	return c
}

// execs tells whether the login shell gives an exec's text to the command line: the hostname must come back.
func (h *Host) execs(ctx context.Context, name, command string) Capability {
	c := Capability{name, unknown, ""}
	var out strings.Builder
	ok, err := h.request(ctx, "exec", command, &out)
	lines := strings.Fields(out.String())
	switch {
	case err != nil:
		c.How = err.Error()
	case !ok:
		c.Holds, c.How = no, "sshd refuses it"
	case !strings.Contains(out.String(), h.is.hostname):
		c.Holds, c.How = no, fmt.Sprintf("it printed %.80q", out.String())
	case strings.Contains(command, "\n") && !strings.Contains(out.String(), "Timezone"):
		c.Holds, c.How = no, fmt.Sprintf("only the first was answered, or not as expected: %d words", len(lines))
	default:
		c.Holds, c.How = yes, "it answered"
	}
	return c
}

// request opens a session, makes one request of it, and reads what it prints, if that is wanted, to its end.
func (h *Host) request(ctx context.Context, kind, payload string, out io.Writer) (bool, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, probeLimit, fmt.Errorf("no answer within %s", probeLimit))
	defer cancel()
	type answered struct {
		ok  bool
		err error
	}
	done := make(chan answered, 1)
	go func() {
		defer h.conn.Hurry()()
		ch, reqs, err := h.conn.Client().OpenChannel("session", nil)
		if err != nil {
			done <- answered{err: err}
			return
		}
		go ssh.DiscardRequests(reqs)
		defer context.AfterFunc(ctx, func() { _ = ch.Close() })()
		ok, err := ch.SendRequest(kind, true, ssh.Marshal(struct{ Text string }{payload}))
		if ok && out != nil {
			_, err = io.Copy(out, io.LimitReader(ch, 64<<10))
		}
		_ = ch.Close()
		done <- answered{ok, err}
	}()
	select {
	case a := <-done:
		return a.ok, a.err
	case <-ctx.Done():
		return false, context.Cause(ctx)
	}
}

// forwards tells whether sshd makes a connection to eAPI's place, whether or not somebody listens there.
func (h *Host) forwards(ctx context.Context, at eapi.Config) Capability {
	network, address := at.Dialled()
	c := Capability{"a connection through SSH to " + address, unknown, ""}
	conn, err := h.dialThrough(ctx, network, address)
	switch {
	case err == nil:
		_ = conn.Close()
		c.Holds, c.How = yes, "somebody listens"
	case errors.Is(err, errNobodyThere):
		c.How = "nobody listens there, or it is not permitted: sshd says the same to both"
	case errors.Is(err, errNotForwarded):
		c.Holds, c.How = no, err.Error()
	default:
		c.How = err.Error()
	}
	return c
}
