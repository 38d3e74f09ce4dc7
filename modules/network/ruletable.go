package network

import (
	"fmt"
	"strings"
)

// ruleTable is what iptables-save prints: the rules of every chain in their order.
type ruleTable struct {
	rules    []packetRule
	policies map[string]string // by table and chain; "-" for a chain that somebody made
	lines    []string          // of the rules, as they were read
}

// chain is the rules of one chain, in order.
func (t ruleTable) chain(table, chain string) []packetRule {
	var out []packetRule
	for _, r := range t.rules {
		if r.table == table && r.chain == chain {
			out = append(out, r)
		}
	}
	return out
}

// has tells whether there is such a chain.
func (t ruleTable) has(table, chain string) bool { _, ok := t.policies[table+" "+chain]; return ok }

// decides tells whether any packet's fate hangs on the rules: one rule, or one chain that drops by its policy.
func (t ruleTable) decides() bool {
	for _, policy := range t.policies {
		if policy == "DROP" {
			return true
		}
	}
	return len(t.rules) > 0
}

// parseSave reads the output of iptables-save, or a file for iptables-restore. A line that is not understood is an error:
// what stands at a rule's place must be known.
func parseSave(text string) (ruleTable, error) {
	t := ruleTable{policies: map[string]string{}}
	table := ""
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || line[0] == '#':
		case line[0] == '*':
			table = line[1:]
		case line == "COMMIT":
			table = ""
		case table == "":
			return t, fmt.Errorf("a line outside of any table: %q", line)
		case line[0] == ':':
			words := strings.Fields(line[1:])
			if len(words) < 2 {
				return t, fmt.Errorf("a chain without a policy: %q", line)
			}
			t.policies[table+" "+words[0]] = words[1]
		default:
			r, err := parseRule(table, line)
			if err != nil {
				return t, err
			}
			t.rules, t.lines = append(t.rules, r), append(t.lines, line)
		}
	}
	return t, nil
}

func parseRule(table, line string) (packetRule, error) {
	bare := line
	if strings.HasPrefix(line, "[") { // counters, as iptables-save -c writes them
		_, bare, _ = strings.Cut(line, "] ")
	}
	words, err := splitWords(bare)
	if err != nil {
		return packetRule{}, err
	}
	if len(words) < 2 || words[0] != "-A" {
		return packetRule{}, fmt.Errorf("not a rule as iptables-save writes it: %q", line)
	}
	r := packetRule{table: table, chain: words[1]}
	words = words[2:]
	for i := 0; i < len(words); i++ {
		switch w := words[i]; {
		case w == "-m" && i+1 < len(words) && words[i+1] == "comment":
			i++
		case w == "--comment" && i+1 < len(words):
			r.comment = words[i+1]
			i++
		case len(r.action) > 0 || w == "-j" || w == "-g":
			r.action = append(r.action, w)
		default:
			r.matches = append(r.matches, w)
		}
	}
	return r, nil
}

// splitWords takes a line of iptables-save apart: a word with a blank in it stands in double quotes, where a backslash
// takes the next byte as it is.
func splitWords(line string) ([]string, error) {
	var out []string
	word, in, quoted := "", false, false
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case c == '\\' && quoted && i+1 < len(line):
			i++
			word += string(line[i])
		case c == '"':
			quoted, in = !quoted, true
		case c == ' ' && !quoted:
			if in {
				out = append(out, word)
			}
			word, in = "", false
		default:
			word, in = word+string(c), true
		}
	}
	if quoted {
		return nil, fmt.Errorf("a quote that does not end: %q", line)
	}
	if in {
		out = append(out, word)
	}
	return out, nil
}

// joinWords is the inverse of splitWords.
func joinWords(words []string) string {
	out := make([]string, len(words))
	for i, w := range words {
		if w == "" || strings.ContainsAny(w, " \"\\'") {
			w = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(w) + `"`
		}
		out[i] = w
	}
	return strings.Join(out, " ")
}
