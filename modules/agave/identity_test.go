package agave

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"bisc/internal/host"
	"bisc/internal/host/hosttest"
	"bisc/modules/kindtest"
)

// keyFile is a key file of a seed, as solana-keygen writes it.
func keyFile(seed byte) (text, pubkey string) {
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
	numbers := make([]int, len(key))
	for i, b := range key {
		numbers[i] = int(b)
	}
	out, _ := json.Marshal(numbers)
	return string(out), base58(key[ed25519.SeedSize:])
}

// TestBase58 takes known pairs: the system program's key is 32 zero bytes.
func TestBase58(t *testing.T) {
	for want, b := range map[string][]byte{"11111111111111111111111111111111": make([]byte, 32), "": nil, "2g": {0x61}, "1112": {0, 0, 0, 1}, "StV1DL6CwTryKyV": []byte("hello world")} {
		if got := base58(b); got != want {
			t.Errorf("%x: %q, want %q", b, got, want)
		}
	}
}

// TestIdentityPlan: the file, what runs, and both.
func TestIdentityPlan(t *testing.T) {
	text, pubkey := keyFile(1)
	_, other := keyFile(2)
	const url = "http://127.0.0.1:8899"
	for _, c := range []struct {
		name, file, want, runs string
		silent                 error
		says                   string // "?" an error
	}{
		{"the same", text, pubkey, pubkey, nil, "in sync"},
		{"nothing runs", text, pubkey, "", host.ErrNotListening, "in sync"},
		{"another's file", text, other, other, nil, "pubkey: " + pubkey + " -> " + other},
		{"another runs", text, pubkey, other, nil, "runs as: " + other + " -> " + pubkey},
		{"no file", "", pubkey, pubkey, nil, "file: not there"},
		{"any key, and there is one", text, "", pubkey, nil, "in sync"},
		{"any key, and another runs", text, "", other, nil, "runs as: " + other + " -> " + pubkey},
		{"any key, and there is none", "", "", other, nil, "file: not there"},
		{"what runs is not known", text, pubkey, "", host.ErrStuck, "?"},
		{"what answers is no key", text, pubkey, "<html>", nil, "?"},
	} {
		f := hosttest.New("a")
		if f.Files["/k.json"] = c.file; c.file == "" {
			delete(f.Files, "/k.json")
			f.Missing["/k.json"] = true
		}
		f.RPCs["getIdentity() at "+url] = []string{fmt.Sprintf(`{"identity":%q}`, c.runs)}
		if c.silent != nil {
			f.Errors["rpc getIdentity() at "+url] = c.silent
		}
		got, err := (&Identity{Path: "/k.json", Pubkey: c.want, RPC: url}).Plan(t.Context(), f)
		if (c.says == "?") != (err != nil) || err == nil && !strings.Contains(kindtest.Print(got), c.says) {
			t.Errorf("%s: %s %v, want %s", c.name, kindtest.Print(got), err, c.says)
		}
	}
}

// TestIdentityKeepsItsSecret: whatever is wrong with a key file, no number of it is in what is said.
func TestIdentityKeepsItsSecret(t *testing.T) {
	text, pubkey := keyFile(211)
	swapped := strings.Replace(text, "211", "212", 1)
	for name, file := range map[string]string{
		"cut": text[:len(text)/2], "63 numbers": text[:strings.LastIndex(text, ",")] + "]", "a number too large": strings.Replace(text, "211", "2110", 1),
		"halves of two keys": swapped, "text": `["211"]`, "object": `{"211":211}`, "negative": strings.Replace(text, "211", "-211", 1), "empty": "",
	} {
		f := hosttest.New("a")
		f.Files["/k.json"] = file
		got, err := (&Identity{Path: "/k.json", Pubkey: pubkey}).Plan(t.Context(), f)
		if err == nil {
			t.Errorf("%s: taken: %s", name, kindtest.Print(got))
		} else if strings.Contains(err.Error(), "211") || strings.Contains(err.Error(), "212") {
			t.Errorf("%s: the error has a byte of the key: %v", name, err)
		}
	}
	err := (&Identity{Path: "/k.json", Pubkey: text}).Validate() // the file's content in the key's place
	if err == nil || strings.Contains(err.Error(), "211") {
		t.Errorf("validate: %v", err)
	}
	if err := (&Identity{Path: "k.json", Pubkey: pubkey, RPC: "nowhere"}).Validate(); err == nil || len(err.(interface{ Unwrap() []error }).Unwrap()) != 2 {
		t.Errorf("two faults: %v", err)
	}
	if errors.Is(err, host.ErrNotReadOnly) {
		t.Error("an attribute's fault is not the list's")
	}
}
