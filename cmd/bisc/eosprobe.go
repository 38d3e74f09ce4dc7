package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"bisc/internal/eosconf"
	"bisc/internal/host"
	"bisc/internal/host/eoshost"
)

func (c *command) eosProbe() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "probe [HOST...]",
		Short: "ask a switch what nobody says in public of its EOS; a report to paste, read-only, without secrets",
		Long: "Asks what bisc would like to know of a switch and no document tells: how its sshd is set, what its flash is, which namespaces there are,\n" +
			"what its commands answer in. It runs show commands and one constant program on the switch's Linux, which reads; it opens no configuration\n" +
			"session and takes no lock. Secrets of the configuration are masked. What to do with it: put it into an issue, or beside the plan.",
		Example: "  bisc eos probe was-sw01 >was-sw01.md\n  bisc eos probe was-sw01 --json",
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.reading(cmd, "eos probe", func(ctx context.Context, s *session) error { return s.eachSwitch(ctx, args, probeSwitch) })
		},
		ValidArgsFunction: c.completeSwitches,
	}
	cmd.Flags().BoolVar(&c.flags.json, "json", false, "as JSON")
	return cmd
}

// probeList is what is asked (reference/eos.md 8): as JSON where EOS has it. show users detail, which names people, is not.
func probeList() []string {
	return []string{
		"show version | json", "show management ssh", "show management api http-commands | json", "show configuration sessions detail | json", "show configuration lock | json",
		"show configuration checkpoints", "show daemon | json", "show extensions | json", "show boot-extensions | json", "show monitor session | json", "show cpu counters queue | json",
		"show policy-map copp copp-system-policy", "show hardware tcam profile | json", "show ip route 0.0.0.0/0 | json", "show running-config diffs",
		"show running-config all section \"configuration session\"", "show aaa methods authorization", "show reload cause | json", "show system coredump | json", "show clock | json",
	}
}

// probed is a switch's report, as JSON.
type probed struct {
	Facts        eoshost.Facts        `json:"facts"`
	At           time.Time            `json:"at"` // by the controller's clock
	Ways         []eoshost.Way        `json:"ways"`
	Capabilities []eoshost.Capability `json:"capabilities"`
	Answers      []probedAnswer       `json:"answers"`
}

type probedAnswer struct {
	Command string          `json:"command"`
	JSON    json.RawMessage `json:"json,omitempty"`
	Text    string          `json:"text,omitempty"`
	Refused string          `json:"refused,omitempty"`
}

// aSwitch is what a connection to a switch can tell beyond what a host.Reader can.
type aSwitch interface {
	host.Reader
	Facts() eoshost.Facts
	Ways(ctx context.Context) []eoshost.Way
	Capabilities(ctx context.Context) ([]eoshost.Capability, error)
}

func probeSwitch(ctx context.Context, h host.Reader) (answer, error) {
	sw, ok := h.(aSwitch)
	if !ok {
		return answer{}, fmt.Errorf("%s: %w", h.Name(), host.ErrNoSwitch)
	}
	p := probed{Facts: sw.Facts(), At: time.Now().UTC().Truncate(time.Second), Answers: make([]probedAnswer, len(probeList()))}
	asks := []func(context.Context) error{
		func(ctx context.Context) error { p.Ways = sw.Ways(ctx); return nil },
		func(ctx context.Context) (err error) { p.Capabilities, err = sw.Capabilities(ctx); return err },
	}
	for i, command := range probeList() {
		asks = append(asks, func(ctx context.Context) (err error) { p.Answers[i], err = askEither(ctx, sw, command); return err })
	}
	if err := host.Ask(ctx, asks...); err != nil {
		return answer{}, err
	}
	return answer{p.text(sw.Name()), p}, nil
}

// askEither asks as JSON, and as text where EOS has no JSON for it; a refusal is an answer.
func askEither(ctx context.Context, h host.Reader, command string) (probedAnswer, error) {
	a := probedAnswer{Command: command}
	b, err := h.Show(ctx, command)
	plain, wantsJSON := strings.CutSuffix(command, " | json")
	var refused *host.ShowError
	if errors.As(err, &refused) && refused.Unconverted && wantsJSON {
		a.Command, wantsJSON = plain, false
		b, err = h.Show(ctx, plain)
	}
	switch {
	case errors.As(err, &refused):
		a.Refused = eosconf.Redact(strings.TrimSpace(refused.Text))
		return a, nil
	case err != nil:
		return a, err
	case wantsJSON && json.Valid(b):
		a.JSON = json.RawMessage(b)
		return a, nil
	}
	a.Text = eosconf.Redact(strings.TrimRight(string(b), "\r\n"))
	return a, nil
}

func (p probed) text(name string) string {
	var b strings.Builder
	f := p.Facts
	fmt.Fprintf(&b, "# %s: %s, EOS %s, %s\n\nHostname %s, serial %s, %s; asked %s; read-only.\n", name, f.Model, f.Version, f.Architecture, f.Hostname, f.Serial, f.MAC, p.At.Format(time.RFC3339))
	b.WriteString("\n## Ways to its commands\n\n")
	for _, w := range p.Ways {
		fmt.Fprintf(&b, "- %s: %s\n", w.Name, wayState(w))
	}
	b.WriteString("\n## What nobody says in public\n\n")
	for _, c := range p.Capabilities {
		fmt.Fprintf(&b, "- %s: %s (%s)\n", c.Name, c.Holds, c.How)
	}
	for _, a := range p.Answers {
		fmt.Fprintf(&b, "\n## %s\n\n", a.Command)
		switch {
		case a.Refused != "":
			fmt.Fprintf(&b, "refused: %s\n", a.Refused)
		case a.JSON != nil:
			var pretty bytes.Buffer
			if json.Indent(&pretty, a.JSON, "    ", "  ") == nil {
				fmt.Fprintf(&b, "    %s\n", pretty.String())
			}
		case a.Text == "":
			b.WriteString("(nothing)\n")
		default:
			b.WriteString(indented(a.Text, "    "))
		}
	}
	return b.String()
}

func wayState(w eoshost.Way) string {
	state := "does not work"
	switch {
	case w.Used:
		state = "works, and is used"
	case w.Works:
		state = "works"
	}
	if w.Why != "" {
		state += ": " + w.Why
	}
	return state
}
