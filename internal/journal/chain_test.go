package journal

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"bisc/layers"
)

func filled(t *testing.T) *Journal {
	t.Helper()
	j := open(t)
	l := begin(t, j, "r", noon)
	for i := range 5 {
		id, err := l.Intend(t.Context(), step(fmt.Sprint(i), noon))
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Settle(t.Context(), id, layers.Result{State: layers.Done, At: noon}); err != nil {
			t.Fatal(err)
		}
	}
	return j
}

func TestVerify(t *testing.T) {
	if err := filled(t).Verify(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := open(t).Verify(t.Context()); err != nil {
		t.Errorf("an empty one: %v", err)
	}
	// Whoever can write the file can drop the triggers; the chain tells all the same.
	for name, c := range map[string]struct {
		change string
		seq    int64
	}{
		"a step rewritten":         {`UPDATE record SET body = replace(body, '"2"', '"9"') WHERE seq = 6`, 6},
		"a result flipped":         {`UPDATE record SET state = 'not done' WHERE seq = 3`, 3},
		"a time moved":             {`UPDATE record SET at = '2020-01-01T00:00:00.000000Z' WHERE seq = 1`, 1},
		"a host renamed":           {`UPDATE record SET host = 'other' WHERE seq = 4`, 4},
		"a record removed":         {`DELETE FROM record WHERE seq = 5`, 5},
		"the first removed":        {`DELETE FROM record WHERE seq = 1`, 1},
		"two results exchanged":    {`UPDATE record SET ref = CASE seq WHEN 3 THEN 104 ELSE 102 END WHERE seq IN (3, 5)`, 3},
		"a field moved to another": {`UPDATE record SET host = host || address, address = '' WHERE seq = 2`, 2},
		"a hash rewritten":         {`UPDATE record SET hash = zeroblob(32) WHERE seq = 7`, 7},
		"a record put in":          {`INSERT INTO record SELECT 12, kind, at, run, host, address, digest, 12, state, body, hash FROM record WHERE seq = 11`, 12},
	} {
		j := filled(t)
		if _, err := j.db.Exec(`DROP TRIGGER record_stays; DROP TRIGGER record_remains; ` + c.change); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var broken *BrokenError
		if err := j.Verify(t.Context()); !errors.As(err, &broken) || broken.Seq != c.seq {
			t.Errorf("%s: got %v, want record %d", name, err, c.seq)
		}
	}
}

// Who rewrites a record and its hash must rewrite every one after it: that is what the chain is for.
func TestVerifyFindsAForger(t *testing.T) {
	j := filled(t)
	var before []byte
	if err := j.db.QueryRow(`SELECT hash FROM record WHERE seq = 5`).Scan(&before); err != nil {
		t.Fatal(err)
	}
	forged := record{kind: kindIntent, at: at(noon), run: "r", host: "biscayne", address: "biscayne:storage.mount[/srv]",
		digest: "d-forged", body: `{"step":"forged"}`}
	_, err := j.db.Exec(`DROP TRIGGER record_stays; UPDATE record SET digest = ?, body = ?, hash = ? WHERE seq = 6`,
		forged.digest, forged.body, forged.hash(before, 6))
	if err != nil {
		t.Fatal(err)
	}
	var broken *BrokenError
	if err := j.Verify(t.Context()); !errors.As(err, &broken) || broken.Seq != 7 {
		t.Errorf("got %v, want record 7: the forged one is whole in itself", err)
	}
}

func TestAppendOnly(t *testing.T) {
	j := filled(t)
	for _, change := range []string{`UPDATE record SET state = 'x' WHERE seq = 1`, `DELETE FROM record`} {
		if _, err := j.db.Exec(change); err == nil {
			t.Errorf("%s: done", change)
		}
	}
	l := &RunLog{j, "r"}
	if err := l.Settle(t.Context(), 2, layers.Result{State: layers.NotDone, At: noon}); err == nil {
		t.Error("a second result for one intent")
	}
}

func TestObservations(t *testing.T) {
	ctx := t.Context()
	j := open(t)
	const mount, zvol = "biscayne:storage.mount[/srv]", "biscayne:storage.zvol[tank]"
	see := func(minute int, address, digest, state, diff string) Observation {
		return Observation{Run: "r", Host: "biscayne", Address: address, Digest: digest, State: state, Diff: diff, At: noon.Add(time.Duration(minute) * time.Minute)}
	}
	for i, c := range []struct {
		obs     []Observation
		changed int
	}{
		{[]Observation{see(0, mount, "d1", "in sync", ""), see(0, zvol, "z1", "drifted", "size")}, 2},
		{[]Observation{see(5, mount, "d1", "in sync", ""), see(5, zvol, "z1", "drifted", "size")}, 0},
		{[]Observation{see(10, mount, "d1", "drifted", "source"), see(10, zvol, "z1", "drifted", "size, type")}, 2},
		{[]Observation{see(15, mount, "d2", "drifted", "source")}, 1},
		{nil, 0},
	} {
		if n, err := j.Observe(ctx, c.obs...); n != c.changed || err != nil {
			t.Errorf("%d: recorded %d, want %d (%v)", i, n, c.changed, err)
		}
	}
	for _, c := range []struct {
		address, digest string
		ok              bool
	}{{mount, "d1", true}, {mount, "d2", false}, {zvol, "z1", false}, {"biscayne:storage.mount[/other]", "d1", false}} {
		since, ok, err := j.WasInSync(ctx, c.address, c.digest)
		if ok != c.ok || err != nil || ok && !since.Equal(noon) {
			t.Errorf("%s %s: %v %v %v", c.address, c.digest, since, ok, err)
		}
	}
	if err := j.InSync(ctx, zvol, "z2", noon.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if since, ok, _ := j.WasInSync(ctx, zvol, "z2"); !ok || !since.Equal(noon.Add(time.Hour)) {
		t.Errorf("%v %v", since, ok)
	}
}

func TestHistory(t *testing.T) {
	ctx := t.Context()
	j := open(t)
	l := begin(t, j, "r", noon)
	in := step("mount", noon.Add(time.Minute))
	obs := func(minute int, state string) {
		if _, err := j.Observe(ctx, Observation{Run: "r", Address: in.Address, State: state, At: noon.Add(time.Duration(minute) * time.Minute)}); err != nil {
			t.Fatal(err)
		}
	}
	obs(0, "drifted")
	id, err := l.Intend(ctx, in)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Settle(ctx, id, layers.Result{State: layers.Done, At: noon.Add(2 * time.Minute)}); err != nil {
		t.Fatal(err)
	}
	obs(3, "changed")
	obs(9, "drifted")
	entries, err := j.History(ctx, in.Address)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		if e.Act != nil {
			got = append(got, e.At.Format("15:04 ")+e.Act.Step+" "+string(e.Act.State))
		} else {
			got = append(got, e.At.Format("15:04 ")+e.Seen.State)
		}
	}
	want := "[12:00 drifted 12:01 mount done 12:03 changed 12:09 drifted]"
	if fmt.Sprint(got) != want {
		t.Errorf("got %v, want %s", got, want)
	}
	if e, err := j.History(ctx, "biscayne:storage.mount[/none]"); len(e) != 0 || err != nil {
		t.Errorf("of nothing: %v, %v", e, err)
	}
}
