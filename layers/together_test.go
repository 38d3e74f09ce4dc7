package layers

import (
	"errors"
	"strings"
	"testing"

	"bisc/internal/host"
	"bisc/internal/host/hosttest"
)

// staging is a bench whose host stages, as a switch does. A revert puts back what the files held before the commit.
func staging(files map[string]string, stages ...*Stage) *bench {
	b := newBench(files, stages...)
	b.Stage = true
	before := map[string]string{}
	for k, v := range b.Files {
		before[k] = v
	}
	set := b.React
	b.React = func(f *hosttest.Fake, s host.Step) error {
		if s != nil {
			return set(f, s)
		}
		for k, v := range before {
			f.Files[k] = v
		}
		return nil
	}
	return b
}

func (b *bench) acts() string {
	var out []string
	for _, l := range b.Log() {
		if word, _, _ := strings.Cut(l, " "); word == "do" || word == "commit" || word == "confirm" || word == "revert" {
			out = append(out, word)
		}
	}
	return strings.Join(out, " ")
}

func TestAStageIsCommittedProvedAndConfirmedAsOne(t *testing.T) {
	b := staging(map[string]string{"/a": "no", "/b": "no"},
		stage(Relay, item("a", &flag{path: "/a", want: "yes"}), item("b", &flag{path: "/b", want: "yes"}), invariant("i", &flag{path: "/a", want: "yes"})))
	rep := b.climb(t, Acting{}, always)
	if got := b.acts(); got != "do do commit confirm" || states(rep) != "in sync, in sync, in sync" {
		t.Errorf("%s: %s", got, states(rep))
	}
}

func TestAStageThatIsNotProvedIsReverted(t *testing.T) {
	for name, want := range map[string]string{"an item": "/b", "an invariant": "/c", "an item that was in sync": "/d", "one that no step mends": "/e"} {
		t.Run(name, func(t *testing.T) {
			b := staging(map[string]string{"/a": "no", "/b": "no", "/c": "yes", "/d": "yes", "/e": "yes"},
				stage(Relay, item("a", &flag{path: "/a", want: "yes", script: true}), item("b", &flag{path: "/b", want: "yes", script: true}),
					invariant("c", &flag{path: "/c", want: "yes"}), item("d", &flag{path: "/d", want: "yes", script: true}),
					item("e", &flag{path: "/e", want: "yes", why: "bisc does not mend it"})))
			set := b.React
			b.React = func(f *hosttest.Fake, s host.Step) error {
				err := set(f, s)
				if s != nil {
					f.Files[want] = "broken"
				}
				return err
			}
			rep := b.climb(t, Acting{}, always)
			if got := b.acts(); got != "do do commit revert" {
				t.Error(got)
			}
			if b.Wrote("/a") != "no" || rep.Outcomes()[0].State != Failed {
				t.Errorf("file %q, states %s", b.Wrote("/a"), states(rep))
			}
		})
	}
}

func TestACommitThatFailsIsReverted(t *testing.T) {
	b := staging(map[string]string{"/a": "no"}, stage(Relay, item("a", &flag{path: "/a", want: "yes", script: true})))
	b.React = func(_ *hosttest.Fake, s host.Step) error {
		if s != nil {
			return errors.New("% Invalid input")
		}
		return nil
	}
	rep := b.climb(t, Acting{}, always)
	if got := b.acts(); got != "do commit revert" || states(rep) != "failed" {
		t.Errorf("%s: %s", got, states(rep))
	}
}

func TestStagedItemsWaitForEachOther(t *testing.T) {
	b := staging(map[string]string{"/a": "no", "/b": "no"},
		stage(Relay, item("a", &flag{path: "/a", want: "yes"}), item("b", &flag{path: "/b", want: "yes", destroys: "b"})))
	rep := b.climb(t, Acting{}, always)
	if b.acts() != "" || states(rep) != "not reached, blocked" {
		t.Errorf("%s: %s", b.acts(), states(rep))
	}
}
