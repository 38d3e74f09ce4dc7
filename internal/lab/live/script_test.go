package live

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"bisc/modules"
)

// script is testdata/breaks/KIND.txtar: how each attribute of a kind is broken by hand. Its sections, in the order written:
//
//	-- prepare --              shell, run before the plan
//	-- plan --                 the blocks of a layer; the first block of the kind is the one that is broken
//	-- break ATTR now --       shell that spoils the attribute's live half, and nothing else
//	-- break ATTR boot: NOTE --  or its persisted half; a note tells several breaks of one half apart
//	-- undo --                 shell that takes back what the break before it did and bisc leaves alone
//	-- reboot --               boots the host; the plan must find nothing to do after it
//	-- exempt ATTR [HALF] --   why this attribute cannot be broken, or has no such half; ATTR * is all that have no case
//
// Shell runs as root with sh -e. A break may begin with lines that say more of what is expected:
//
//	# want: HALF DIFF [of ADDRESS]         plan shows this diff, where it is not just the attribute and half broken
//	# left: HALF DIFF [of ADDRESS]: TEXT   plan shows it and leaves it alone, and TEXT is in the reason that it gives
//	# later: HALF DIFF [of ADDRESS]: TEXT  as left, but it is mended in a later round, when what it waits for is there
//	# because: TEXT                        why the diffs are others than the attribute's name: needed with those above
//	# destroys: TEXT                       the repair destroys this, so it must be named, and is blocked until it is
type script struct {
	grounds []*ground
	exempt  map[string]string // reason by "ATTR HALF"
}

// ground is a plan in force and what is done to it.
type ground struct {
	prepare string
	plan    string
	acts    []act
}

// act is a break or a reboot.
type act struct {
	attr, half, note string
	shell, undo      string
	reboot           bool
	want             []expected
	because          string
	destroys         string
	loss             *danger // of the scripts in testdata/losses
}

func (a act) name() string {
	if a.reboot {
		return "reboot"
	}
	if a.note != "" {
		return a.attr + " " + a.half + ", " + a.note
	}
	return a.attr + " " + a.half
}

// expected is a diff that a plan must show.
type expected struct {
	diff string // "HALF DIFF" or "HALF DIFF of ADDRESS"
	left string // not empty: it is left alone, for a reason with this text
	late bool   // only in the first round
}

// scripts reads a folder of testdata.
func scripts(t *testing.T, folder string) map[string]*script {
	t.Helper()
	names, err := filepath.Glob("testdata/" + folder + "/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	out := map[string]*script{}
	for _, name := range names {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		s := &script{exempt: map[string]string{}}
		for _, f := range archive.Files {
			if err := s.section(f.Name, string(f.Data)); err != nil {
				t.Fatalf("%s: -- %s --: %v", name, f.Name, err)
			}
		}
		out[strings.TrimSuffix(filepath.Base(name), ".txtar")] = s
	}
	return out
}

// section takes one section of the archive.
func (s *script) section(name, text string) error {
	verb, rest, _ := strings.Cut(name, " ")
	var last *ground
	if n := len(s.grounds); n > 0 {
		last = s.grounds[n-1]
	}
	switch {
	case verb == "prepare":
		s.grounds = append(s.grounds, &ground{prepare: text})
	case verb == "plan" && last != nil && last.plan == "":
		last.plan = text
	case verb == "plan":
		s.grounds = append(s.grounds, &ground{plan: text})
	case verb == "exempt":
		return s.exemption(rest, text)
	case last == nil || last.plan == "":
		return fmt.Errorf("it comes before any plan")
	case verb == "break":
		a, err := readBreak(rest, text)
		last.acts = append(last.acts, a)
		return err
	case verb == "lose":
		a, err := readLoss(rest, text)
		last.acts = append(last.acts, a)
		return err
	case verb == "reboot":
		last.acts = append(last.acts, act{reboot: true})
	case verb == "undo" && len(last.acts) > 0:
		last.acts[len(last.acts)-1].undo = text
	default:
		return fmt.Errorf("no such section here")
	}
	return nil
}

func (s *script) exemption(words, text string) error {
	attr, half, _ := strings.Cut(words, " ")
	if attr == "" || strings.TrimSpace(text) == "" {
		return fmt.Errorf("an exemption names an attribute and gives a reason")
	}
	halves := []string{half}
	if half == "" {
		halves = halvesOf()
	}
	for _, h := range halves {
		if !slices.Contains(halvesOf(), h) {
			return fmt.Errorf("%q is not now or boot", h)
		}
		s.exempt[attr+" "+h] = text
	}
	return nil
}

func halvesOf() []string { return []string{"now", "boot"} }

func readBreak(words, text string) (a act, err error) {
	words, a.note, _ = strings.Cut(words, ": ")
	var ok bool
	if a.attr, a.half, ok = strings.Cut(words, " "); !ok || !slices.Contains(halvesOf(), a.half) {
		return a, fmt.Errorf("write break ATTR now, or break ATTR boot")
	}
	for line := range strings.Lines(text) {
		key, value, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "# "), ": ")
		if !strings.HasPrefix(line, "# ") || !ok {
			a.shell += line
			continue
		}
		switch key {
		case "want":
			a.want = append(a.want, expected{diff: value})
		case "left", "later":
			diff, why, ok := strings.Cut(value, ": ")
			if !ok {
				return a, fmt.Errorf("%s: HALF DIFF: TEXT, not %q", key, value)
			}
			a.want = append(a.want, expected{diff: diff, left: why, late: key == "later"})
		case "because":
			a.because = value
		case "destroys":
			a.destroys = value
		default:
			a.shell += line
		}
	}
	return a, a.check()
}

func (a *act) check() error {
	own := a.attr + " " + a.half
	if len(a.want) == 0 {
		a.want = []expected{{diff: a.half + " " + a.attr}}
	}
	if strings.TrimSpace(a.shell) == "" {
		return fmt.Errorf("it breaks nothing")
	}
	plain := len(a.want) == 1 && a.want[0] == expected{diff: a.half + " " + a.attr}
	if !plain && a.because == "" {
		return fmt.Errorf("%s shows as %v: say because", own, a.want)
	}
	return nil
}

// uncovered lists the halves of a kind's attributes that have neither a break nor an exemption, and the exemptions that
// are for nothing.
func (s *script) uncovered(k modules.Kind) []string {
	broken, known := map[string]bool{}, map[string]bool{"* now": true, "* boot": true}
	for _, g := range s.grounds {
		for _, a := range g.acts {
			broken[a.attr+" "+a.half] = true
		}
	}
	var out []string
	for _, a := range k.Attrs() {
		for _, half := range halvesOf() {
			key := a.Name + " " + half
			known[key] = true
			if !broken[key] && s.exempt[key] == "" && s.exempt["* "+half] == "" {
				out = append(out, key+" has neither a break nor an exemption")
			}
			if broken[key] && s.exempt[key] != "" {
				out = append(out, key+" has a break and an exemption")
			}
		}
	}
	for key := range s.exempt {
		if !known[key] {
			out = append(out, key+" is exempt and is no attribute")
		}
	}
	slices.Sort(out)
	return out
}
