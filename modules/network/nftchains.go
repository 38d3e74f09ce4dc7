package network

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"bisc/internal/host"
)

// nftChain is a chain of nft that hangs on a hook of the kernel and can drop packets there.
type nftChain struct {
	Family, Table, Name, Type, Hook, Policy string
	drops                                   bool // some rule of its table does
}

func (n nftChain) table() string { return n.Family + " " + n.Table }

// String names the chain as nft does.
func (n nftChain) String() string {
	how := "a rule of its table drops"
	if n.Policy == "drop" {
		how = "its policy is drop"
	}
	return fmt.Sprintf("%s %s (%s)", n.table(), n.Name, how)
}

// deciders gives the chains at a hook that can drop what another table's chain there accepted. iptables' own table is left out.
func deciders(ctx context.Context, h host.Reader, hook string) ([]nftChain, error) {
	there, err := nftables(ctx, h)
	if err != nil || !there {
		return nil, err
	}
	out, err := h.Query(ctx, host.NftRules.Argv()...)
	if err == nil && out.Exit == 127 {
		return nil, nil // no nft on the host
	}
	if err == nil && out.Exit != 0 {
		err = &host.ExitError{Argv: []string{"nft"}, Exit: out.Exit, Stderr: out.Stderr}
	}
	if err != nil {
		return nil, fmt.Errorf("ask nft for its rules: %w", err)
	}
	return parseDeciders(out.Stdout, hook)
}

func parseDeciders(text []byte, hook string) ([]nftChain, error) {
	var all struct {
		Nftables []struct {
			Chain *nftChain
			Rule  *struct {
				Family, Table string
				Expr          []map[string]json.RawMessage
			}
		}
	}
	if err := json.Unmarshal(text, &all); err != nil {
		return nil, fmt.Errorf("read nft's rules: %w", err)
	}
	drops := map[string]bool{}
	var out []nftChain
	for _, o := range all.Nftables {
		switch {
		case o.Chain != nil && o.Chain.Hook == hook && o.Chain.Type == "filter" && o.Chain.table() != "ip filter" && o.Chain.Family != "ip6":
			out = append(out, *o.Chain)
		case o.Rule != nil:
			for _, e := range o.Rule.Expr {
				_, drop := e["drop"]
				_, reject := e["reject"]
				key := o.Rule.Family + " " + o.Rule.Table
				drops[key] = drops[key] || drop || reject
			}
		}
	}
	kept := out[:0]
	for _, n := range out {
		if n.drops = drops[n.table()]; n.drops || n.Policy == "drop" {
			kept = append(kept, n)
		}
	}
	return kept, nil
}

// hookOf is where a chain of iptables is asked: docker's hang on forwarding.
func hookOf(chain string) string {
	switch chain {
	case "INPUT", "OUTPUT":
		return strings.ToLower(chain)
	}
	return "forward"
}
