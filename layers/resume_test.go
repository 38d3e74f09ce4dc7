package layers

import "testing"

// Of what was tried more than once the worst is what counts.
func TestPast(t *testing.T) {
	for _, tt := range []struct {
		tries []ResultState
		want  ResultState
	}{
		{[]ResultState{NotDone, UnknownResult}, UnknownResult},
		{[]ResultState{UnknownResult, NotDone}, UnknownResult},
		{[]ResultState{UnknownResult, Done}, Done},
		{[]ResultState{FailedStep, Done}, Done},
		{[]ResultState{Done, NotDone}, Done},
		{[]ResultState{NotDone, NotDone}, NotDone},
	} {
		p := Past{}
		for _, state := range tt.tries {
			p.Add("a", "d", state)
		}
		if got := p["a"]["d"]; got != tt.want {
			t.Errorf("%v: %s, want %s", tt.tries, got, tt.want)
		}
	}
	it := SavedItem{Steps: []SavedStep{{Digest: "d"}}}
	p := Past{}
	p.Add("a", "d", UnknownResult)
	p.Add("a", "d", Done)
	if it.spent(p["a"]) == "" {
		t.Error("a step that was done by the second try is done a third time")
	}
}
