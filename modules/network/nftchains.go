package network

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"bisc/internal/host"
)

// nftChain is a chain of nft that hangs on a hook of the kernel.
type nftChain struct {
	Family, Table, Name, Type, Hook, Policy string
	Prio                                    int
}

func (n nftChain) table() string { return n.Family + " " + n.Table }

// nftRuleset is what nft lists.
type nftRuleset struct {
	tables map[string]bool
	chains []nftChain     // that hang on a hook
	plain  map[string]int // how many others, by table
	rules  map[string][][]any
	drops  map[string]bool // tables of which some rule drops or rejects
}

// lookAtNft asks nft, which must be known to load nothing by that. There is false where there is no nft on the host.
func lookAtNft(ctx context.Context, h host.Reader) (rules nftRuleset, there bool, err error) {
	out, err := h.Query(ctx, host.NftRules.Argv()...)
	if err == nil && out.Exit == 127 {
		return rules, false, nil
	}
	if err == nil && out.Exit != 0 {
		err = &host.ExitError{Argv: []string{"nft"}, Exit: out.Exit, Stderr: out.Stderr}
	}
	if err != nil {
		return rules, false, fmt.Errorf("ask nft for its rules: %w", err)
	}
	rules, err = parseNft(out.Stdout)
	return rules, true, err
}

func parseNft(text []byte) (nftRuleset, error) {
	r := nftRuleset{tables: map[string]bool{}, plain: map[string]int{}, rules: map[string][][]any{}, drops: map[string]bool{}}
	var all struct {
		Nftables []struct {
			Table *struct{ Family, Name string }
			Chain *nftChain
			Rule  *struct {
				Family, Table string
				Expr          []map[string]any
			}
		}
	}
	if err := json.Unmarshal(text, &all); err != nil {
		return r, fmt.Errorf("read nft's rules: %w", err)
	}
	for _, o := range all.Nftables {
		switch {
		case o.Table != nil:
			r.tables[o.Table.Family+" "+o.Table.Name] = true
		case o.Chain != nil && o.Chain.Hook == "":
			r.plain[o.Chain.table()]++
		case o.Chain != nil:
			r.chains = append(r.chains, *o.Chain)
		case o.Rule != nil:
			r.add(o.Rule.Family+" "+o.Rule.Table, o.Rule.Expr)
		}
	}
	return r, nil
}

// add keeps a rule without its counter, which is another at each look.
func (r *nftRuleset) add(table string, expr []map[string]any) {
	var kept []any
	for _, e := range expr {
		_, drop := e["drop"]
		_, reject := e["reject"]
		r.drops[table] = r.drops[table] || drop || reject
		if _, counter := e["counter"]; !counter {
			kept = append(kept, e)
		}
	}
	r.rules[table] = append(r.rules[table], kept)
}

// deciders gives the chains at a hook that can drop what a chain of another table accepted there, each with how. own is the
// table that accepts.
func (r nftRuleset) deciders(hook, own string) (out []nftDecider) {
	for _, n := range r.chains {
		if n.Hook != hook || n.Type != "filter" || n.Table == own || n.Family == "ip6" || strings.HasPrefix(n.Table, "bisc_") {
			continue
		}
		switch {
		case n.Policy == "drop":
			out = append(out, nftDecider{n, "its policy is drop"})
		case r.drops[n.table()]:
			out = append(out, nftDecider{n, "a rule of its table drops"})
		}
	}
	return out
}

// nftDecider is a chain that can drop, and how.
type nftDecider struct {
	nftChain
	how string
}

// String names the chain as nft does.
func (n nftDecider) String() string { return fmt.Sprintf("%s %s (%s)", n.table(), n.Name, n.how) }

// deciders asks for the chains at a hook that can drop what iptables' own table accepted.
func deciders(ctx context.Context, h host.Reader, hook string) ([]nftDecider, error) {
	there, err := nftables(ctx, h)
	if err != nil || !there {
		return nil, err
	}
	rules, _, err := lookAtNft(ctx, h)
	return rules.deciders(hook, "filter"), err
}

// hookOf is where a chain of iptables is asked: docker's hang on forwarding.
func hookOf(chain string) string {
	switch chain {
	case "INPUT", "OUTPUT":
		return strings.ToLower(chain)
	}
	return "forward"
}
