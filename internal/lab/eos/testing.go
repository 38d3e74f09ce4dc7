package eos

import "testing"

// ForTest starts a switch that ends with the test. The test fails where the emulation could not carry out what was configured.
func ForTest(t testing.TB, opts Options) *Switch {
	t.Helper()
	sw, err := Start(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if sw.closed.Load() {
			return // by the test
		}
		if err := sw.Control().Problems(); err != nil {
			t.Errorf("switch %s: %v", sw.Name, err)
		}
		if err := sw.Close(); err != nil {
			t.Errorf("end switch %s: %v", sw.Name, err)
		}
	})
	return sw
}
