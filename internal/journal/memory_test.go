package journal

import (
	"strings"
	"testing"

	"bisc/layers"
)

// hostLog is a host's record: after what stands first, a step a word, RUN/N, each with its end.
func hostLog(t *testing.T, seal, steps string) *HostLog {
	t.Helper()
	text := ""
	if seal != noSeal {
		text = "# " + seal + "\n"
	}
	for ref := range strings.FieldsSeq(steps) {
		block := "2026-01-02T03:04:05Z step " + ref + " {}\n2026-01-02T03:04:05Z end " + ref + " 0\n"
		seal = sealOf(seal, []byte(block))
		text += block + "# " + seal + "\n"
	}
	log, err := ReadHostLog("log", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return &log
}

// A step that a host's record does not have was never begun, where the record must have it; else nobody knows.
func TestEvidence(t *testing.T) {
	cut := strings.Repeat("a", 64)
	for name, tt := range map[string]struct {
		act  Act
		seal string
		has  string
		want layers.ResultState
	}{
		"recorded":                     {Act{Run: "r", ID: 7}, noSeal, "q/1 r/6 r/7", layers.Done},
		"not in it":                    {Act{Run: "r", ID: 7}, noSeal, "q/1 r/6", layers.NotDone},
		"nothing of the run":           {Act{Run: "r", ID: 7}, noSeal, "q/1", layers.UnknownResult},
		"shortened before the run":     {Act{Run: "r", ID: 7}, cut, "q/1 r/6", layers.NotDone},
		"shortened in the run":         {Act{Run: "r", ID: 7}, cut, "r/8 s/9", layers.UnknownResult},
		"a disarming, which has none":  {Act{Run: "r", ID: 7, Aside: true}, noSeal, "q/1 r/6", layers.UnknownResult},
		"known by the journal already": {Act{Run: "r", ID: 7, State: layers.FailedStep}, noSeal, "r/6", layers.FailedStep},
	} {
		if tt.act.State == "" {
			tt.act.State = layers.UnknownResult
		}
		if got, how := tt.act.Evidence(hostLog(t, tt.seal, tt.has)); got != tt.want {
			t.Errorf("%s: %s (%s), want %s", name, got, how, tt.want)
		}
	}
}

func TestAnAsideStaysOne(t *testing.T) {
	j := open(t)
	in := step("x", noon)
	in.Aside = true
	if _, err := begin(t, j, "r", noon).Intend(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	acts, err := j.Unknown(t.Context(), "another")
	if err != nil || len(acts) != 1 || !acts[0].Aside {
		t.Errorf("%+v, %v", acts, err)
	}
}
