package eosconf

import "fmt"

// Plan is what stands between a configuration and what is wanted of it.
type Plan struct {
	// After is the configuration as the device will print it.
	After *Config
	// Commands are typed in this order at the top of a configuration session; each leaves the session at the top again with
	// the "exit" lines among them. A text that ends with EOF is one command with newlines. Empty: nothing differs.
	Commands []string
	// Adds and Removes are the lines that the device's own diff must show, and no others.
	Adds, Removes []Entry
}

// Empty tells whether nothing differs: no session has to be opened.
func (p Plan) Empty() bool { return len(p.Commands) == 0 }

// Plan says how to reach all wants at once. It fails where a want says what EOS does not have, owns too much, or contradicts
// another. The configuration itself is not changed.
func (c *Config) Plan(wants ...Want) (Plan, error) {
	e := editor{conf: c.Clone(), whole: map[string]bool{}}
	for _, w := range wants {
		if err := w.check(); err != nil {
			return Plan{}, err
		}
		if err := e.apply(w); err != nil {
			return Plan{}, err
		}
	}
	e.imply(c)
	for _, w := range wants {
		e.edits = 0
		if err := e.apply(w); err != nil {
			return Plan{}, err
		}
		if e.edits > 0 {
			return Plan{}, fmt.Errorf("%s: what is wanted there in mode %s contradicts another resource of the same plan, or what EOS itself makes of it", w.where(), w.Mode)
		}
	}
	p := Plan{After: e.conf}
	p.Adds, p.Removes = Diff(c, e.conf)
	if len(p.Adds)+len(p.Removes) > 0 {
		t := typist{whole: e.whole}
		p.Commands = t.all(c.Lines, e.conf.Lines)
	}
	return p, nil
}
