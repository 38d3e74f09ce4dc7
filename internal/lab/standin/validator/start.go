package validator

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"bisc/internal/lab/solana/key"
)

// Program is where an image has agave-validator.
const Program = "/usr/local/bin/agave-validator"

// entrypoint is the image's entrypoint.sh: it becomes the start script of $AGAVE_MODE.
func entrypoint() int {
	mode := os.Getenv("AGAVE_MODE")
	if mode == "rpc" {
		return startRPC()
	}
	if mode == "" {
		mode = "test"
	}
	return fail("AGAVE_MODE=%s is not part of the stand-in", mode)
}

// startRPC is start-rpc.sh of biscayne.md 4.3: the environment becomes options, and the process becomes agave-validator.
func startRPC() int {
	for _, folder := range []string{"/data/config", "/data/ledger", "/data/accounts", "/data/snapshots", "/data/log"} {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return fail("%v", err)
		}
	}
	identity := "/data/config/validator-identity.json"
	if _, err := os.Stat(identity); errors.Is(err, fs.ErrNotExist) {
		// The original does this too: a missing file becomes another identity, silently (incident 26).
		if _, err := key.Write(identity, ""); err != nil {
			return fail("%v", err)
		}
	}
	err := syscall.Exec(Program, append([]string{"agave-validator"}, rpcArgs(os.Getenv)...), os.Environ())
	return fail("%s: %v", Program, err)
}

// rpcArgs are the options that an environment becomes.
func rpcArgs(env func(string) string) []string {
	or := func(name, otherwise string) string {
		if v := env(name); v != "" {
			return v
		}
		return otherwise
	}
	args := []string{
		"--identity", "/data/config/validator-identity.json", "--no-voting", "--entrypoint", env("VALIDATOR_ENTRYPOINT"), "--known-validator", env("KNOWN_VALIDATOR"),
		"--ledger", "/data/ledger", "--accounts", "/data/accounts", "--snapshots", "/data/snapshots", "--log", "/data/log/validator.log",
		"--full-rpc-api", "--rpc-port", or("RPC_PORT", "8899"), "--rpc-bind-address", or("RPC_BIND_ADDRESS", "127.0.0.1"),
		"--gossip-port", or("GOSSIP_PORT", "8001"), "--dynamic-port-range", or("DYNAMIC_PORT_RANGE", "8000-10000"),
		"--enable-rpc-transaction-history", "--rpc-pubsub-enable-block-subscription", "--enable-extended-tx-metadata-storage",
		"--no-wait-for-vote-to-start-leader", "--no-os-network-limits-test", "--wal-recovery-mode", "skip_any_corrupted_record",
		"--limit-ledger-size", or("LIMIT_LEDGER_SIZE", "50000000"), "--no-snapshot-fetch",
	}
	each := func(flag string, values []string) {
		for _, v := range values {
			args = append(args, flag, v)
		}
	}
	given := func(flag, name string) {
		if v := env(name); v != "" {
			args = append(args, flag, v)
		}
	}
	if env("NO_SNAPSHOTS") == "true" {
		args = append(args, "--no-snapshots")
	} else {
		args = append(args, "--full-snapshot-interval-slots", or("SNAPSHOT_INTERVAL_SLOTS", "100000"), "--maximum-full-snapshots-to-retain", or("MAXIMUM_SNAPSHOTS_TO_RETAIN", "5"))
		if env("NO_INCREMENTAL_SNAPSHOTS") == "true" {
			args = append(args, "--no-incremental-snapshots")
		}
	}
	if indexes := or("ACCOUNT_INDEXES", "program-id,spl-token-owner,spl-token-mint"); indexes != "none" {
		each("--account-index", strings.Split(indexes, ","))
	}
	each("--entrypoint", strings.Fields(env("EXTRA_ENTRYPOINTS")))
	each("--known-validator", strings.Fields(env("EXTRA_KNOWN_VALIDATORS")))
	given("--expected-genesis-hash", "EXPECTED_GENESIS_HASH")
	given("--expected-shred-version", "EXPECTED_SHRED_VERSION")
	if public := env("PUBLIC_RPC_ADDRESS"); public != "" {
		args = append(args, "--public-rpc-address", public)
	} else {
		args = append(args, "--private-rpc", "--allow-private-addr", "--only-known-rpc")
	}
	// The original's own trap: with GOSSIP_HOST the TVU address is dropped without a word.
	if env("GOSSIP_HOST") != "" {
		given("--gossip-host", "GOSSIP_HOST")
	} else {
		given("--public-tvu-address", "PUBLIC_TVU_ADDRESS")
	}
	given("--bind-address", "BIND_ADDRESS")
	args = append(args, jito(env)...)
	return append(args, strings.Fields(env("EXTRA_ARGS"))...)
}

// jito are options that stock agave does not have: JITO_ENABLE crashes it.
func jito(env func(string) string) (args []string) {
	if env("JITO_ENABLE") != "true" {
		return nil
	}
	for _, o := range [][2]string{
		{"--tip-payment-program-pubkey", "JITO_TIP_PAYMENT_PROGRAM"}, {"--tip-distribution-program-pubkey", "JITO_TIP_DISTRIBUTION_PROGRAM"},
		{"--merkle-root-upload-authority", "JITO_MERKLE_ROOT_AUTHORITY"}, {"--commission-bps", "JITO_COMMISSION_BPS"},
		{"--block-engine-url", "JITO_BLOCK_ENGINE_URL"}, {"--shred-receiver-address", "JITO_SHRED_RECEIVER_ADDR"},
	} {
		if v := env(o[1]); v != "" {
			args = append(args, o[0], v)
		}
	}
	return args
}

// keygen is solana-keygen new and pubkey.
func keygen(args []string) int {
	file, words := "", []string{}
	for i := 0; i < len(args); i++ {
		switch {
		case args[i] == "--outfile" || args[i] == "-o":
			if i++; i < len(args) {
				file = args[i]
			}
		case !strings.HasPrefix(args[i], "-"):
			words = append(words, args[i])
		}
	}
	var pubkey string
	var err error
	switch {
	case len(words) == 1 && words[0] == "new" && file != "":
		pubkey, err = key.Write(file, "")
	case len(words) == 2 && words[0] == "pubkey":
		pubkey, err = key.Read(words[1])
	default:
		return fail("error: usage: solana-keygen new --no-passphrase --outfile FILE | pubkey FILE")
	}
	if err != nil {
		return fail("Error: %v", err)
	}
	fmt.Println(pubkey)
	return 0
}
