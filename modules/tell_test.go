package modules

import (
	"errors"
	"testing"
)

// A fact is one line, also where several things keep it from being known.
func TestNotKnownIsOneLine(t *testing.T) {
	f := NotKnown("pod", errors.Join(errors.New("the API is silent"), errors.New("docker is stopped")))
	if len(f) != 1 || !f[0].Unknown || f[0].Text != "the API is silent; docker is stopped" {
		t.Errorf("%+v", f)
	}
}
