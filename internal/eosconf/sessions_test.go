package eosconf

import (
	"strings"
	"testing"
)

// Who locks by hand gives the transaction no name; a refusal must not read as if a word had been lost.
func TestHolder(t *testing.T) {
	for name, want := range map[string]string{"": "(transaction without a name, since ", "doublezero": "(transaction doublezero, since "} {
		h, err := ReadLock([]byte(`{"userInfo":{"username":"install","userTty":"vty4","transactionName":"` + name + `","lockAcquireTime":1739312029.18}}`))
		if err != nil || !strings.HasPrefix(h.String(), "install on vty4 "+want) {
			t.Errorf("%q: %v %v", name, h, err)
		}
	}
}
