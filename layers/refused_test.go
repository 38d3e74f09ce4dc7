package layers

import (
	"context"
	"strings"
	"testing"

	"bisc/internal/host"
	"bisc/modules"
)

// runbookStage is a stage of a runbook.
func runbookStage(items ...Item) *Stage {
	return &Stage{Layer: Agave, Name: "redeploy/wipe", Host: "h", Assumes: []Layer{}, Items: items}
}

// TestARunbookStopsAtWhatItCannotDo: what is written after an item that differs, and that nothing is done for, is not done. A layer goes on.
func TestARunbookStopsAtWhatItCannotDo(t *testing.T) {
	accounts := item("accounts", &flag{path: "/accounts", want: "yes", why: "a file system is mounted below"})
	ledger := item("ledger", &flag{path: "/ledger", want: "yes", script: true})
	for _, tt := range []struct {
		name, want, acts string
		st               *Stage
	}{
		{"in a runbook", "in sync, drifted, not reached", "do", runbookStage(item("a", &flag{path: "/a", want: "yes"}), accounts, ledger)},
		{"in a layer", "in sync, drifted, in sync", "do do", stage(Agave, item("a", &flag{path: "/a", want: "yes"}), accounts, ledger)},
	} {
		b := newBench(map[string]string{"/a": "no", "/accounts": "no", "/ledger": "no"}, tt.st)
		shown := map[int]string{}
		rep := b.climb(t, Acting{}, func(n int, r Report) bool { shown[n] = states(r); return true })
		if got := states(rep); got != tt.want || b.acts() != tt.acts {
			t.Errorf("%s: %s; did %q", tt.name, got, b.acts())
		}
		if !tt.st.OfRunbook() {
			continue
		}
		if got := rep.Outcomes()[2].Reason; got != "it comes after h:storage.accounts, which is as it was: it differs, and bisc leaves it" {
			t.Error(got)
		}
		if shown[1] != "drifted, drifted, not reached" {
			t.Errorf("shown, and asked for: %s", shown[1])
		}
	}
}

// TestOnASwitchARunbookStopsThereToo: what is written before is done as one.
func TestOnASwitchARunbookStopsThereToo(t *testing.T) {
	b := staging(map[string]string{"/a": "no", "/b": "no", "/c": "no"}, runbookStage(item("a", &flag{path: "/a", want: "yes"}),
		item("b", &flag{path: "/b", want: "yes", why: "a link"}), item("c", &flag{path: "/c", want: "yes"})))
	rep := b.climb(t, Acting{}, always)
	if got := states(rep); got != "in sync, drifted, not reached" || b.acts() != "do commit confirm" || b.Wrote("/c") != "no" {
		t.Errorf("%s; %s", got, b.acts())
	}
}

// covered is a flag that is refused while a file says so.
type covered struct{ flag }

func (f *covered) Plan(ctx context.Context, h host.Reader) (modules.Change, error) {
	b, err := h.ReadFile(ctx, "/mounted")
	if err != nil {
		return modules.Change{}, err
	}
	this := f.flag
	if strings.TrimSpace(string(b)) == "yes" {
		this.why = "a file system is mounted below"
	}
	return this.Plan(ctx, h)
}

// TestARunbookStopsAtWhatItCannotDoAnyMore: the same where it came about between the yes and the act.
func TestARunbookStopsAtWhatItCannotDoAnyMore(t *testing.T) {
	for name, make := range map[string]func(map[string]string, ...*Stage) *bench{"one by one": newBench, "as one": staging} {
		b := make(map[string]string{"/mounted": "no", "/accounts": "no", "/ledger": "no"}, runbookStage(
			item("accounts", &covered{flag{path: "/accounts", want: "yes", script: true}}), item("ledger", &flag{path: "/ledger", want: "yes", script: true})))
		rep := b.climb(t, Acting{}, func(int, Report) bool { b.Files["/mounted"] = "yes"; return true })
		if o := rep.Outcomes(); len(b.Steps()) != 0 || o[1].State != NotReached || len(o[0].Left) != 1 || !strings.Contains(o[1].Reason, "h:storage.accounts") {
			t.Errorf("%s: %s (%s), steps %v", name, states(rep), o[1].Reason, b.Steps())
		}
	}
}
