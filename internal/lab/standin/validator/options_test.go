package validator

import (
	"slices"
	"strings"
	"testing"
)

// Incident 27: an option of another version is refused at once, in clap's words, and --help tells which there are.
func TestUnknownOption(t *testing.T) {
	_, err := parse([]string{"--ledger", "l", "--accounts-index-limit", "minimal"})
	if err == nil || !strings.HasPrefix(err.Error(), "error: Found argument '--accounts-index-limit' which wasn't expected, or isn't valid in this context") {
		t.Errorf("an option of 4.0: %v", err)
	}
	if _, err := parse([]string{"--public-tvu-address", "192.0.2.1:20000"}); err == nil {
		t.Error("a plain 3.1.9 takes --public-tvu-address, which no 3.x has")
	}
	if _, ok := options(Made{TVU: true})["public-tvu-address"]; !ok {
		t.Error("with the relay's patch it is not there either")
	}
	if _, err := parse([]string{"exit", "--force", "--ledger", "/data/ledger"}); err == nil {
		t.Error("--ledger after exit is taken, which the real one refuses (biscayne.md 4.4)")
	}
	if strings.Contains(help(), "--no-port-check") {
		t.Error("--help tells of what the real one hides")
	}
	t.Setenv("SOLANA_NO_HIDDEN_CLI_ARGS", "1")
	for name := range options(made()) {
		if !strings.Contains(help(), "--"+name) {
			t.Errorf("--help is silent about %s", name)
		}
	}
}

// What the start script makes of the environment is what this version takes, but for what the relay's patch and jito add.
func TestStartRPC(t *testing.T) {
	env := map[string]string{
		"VALIDATOR_ENTRYPOINT": "192.0.2.1:8001", "KNOWN_VALIDATOR": "A", "EXTRA_ENTRYPOINTS": "192.0.2.2:8001 192.0.2.3:8001", "EXTRA_KNOWN_VALIDATORS": "B C",
		"RPC_BIND_ADDRESS": "0.0.0.0", "EXPECTED_SHRED_VERSION": "50093", "EXTRA_ARGS": "--enable-accounts-disk-index --accounts-db-cache-limit-mb 16384",
		"PUBLIC_TVU_ADDRESS": "198.51.100.1:20000", "NO_INCREMENTAL_SNAPSHOTS": "true",
	}
	args := func() []string { return rpcArgs(func(name string) string { return env[name] }) }
	has := func(want ...string) bool {
		text := " " + strings.Join(args(), " ") + " "
		return strings.Contains(text, " "+strings.Join(want, " ")+" ")
	}
	if !has("--public-tvu-address", "198.51.100.1:20000") || !has("--entrypoint", "192.0.2.3:8001") || !has("--private-rpc", "--allow-private-addr", "--only-known-rpc") {
		t.Errorf("args: %q", args())
	}
	c, err := parse(slices.DeleteFunc(args(), func(a string) bool { return strings.Contains(a, "public-tvu") || strings.Contains(a, ":20000") }))
	if err != nil || c.get("accounts-db-cache-limit-mb", "") != "16384" || len(c.values["known-validator"]) != 3 {
		t.Errorf("parse: %v, %v", c.values, err)
	}
	env["GOSSIP_HOST"] = "192.0.2.9"
	if has("--public-tvu-address") || !has("--gossip-host", "192.0.2.9") {
		t.Errorf("with GOSSIP_HOST the TVU address stays: %q", args())
	}
	env["PUBLIC_RPC_ADDRESS"] = "192.0.2.9:8899"
	if has("--private-rpc") {
		t.Error("a public RPC address is given and the RPC is private")
	}
	env["JITO_ENABLE"], env["JITO_COMMISSION_BPS"] = "true", "800"
	if _, err := parse(args()); err == nil || !strings.Contains(err.Error(), "--commission-bps") {
		t.Errorf("stock agave takes jito's options: %v", err)
	}
}

// A container's mountinfo names its pod, whatever file system the node keeps its pods on, and that of no container names none.
func TestPodOf(t *testing.T) {
	const uid = "7eded38e-ede8-433b-b4f3-2c0edbcb400a"
	inside := "612 604 0:42 /docker/volumes/80ef/_data/lib/kubelet/pods/" + uid + "/volumes/kubernetes.io~empty-dir/tmp /tmp rw - tmpfs t rw\n" +
		"613 604 0:42 /docker/volumes/80ef/_data/lib/kubelet/pods/" + uid + "/containers/agave-validator/0c1d2e3f /dev/termination-log rw - tmpfs t rw\n"
	if got := podOf(inside); got != uid {
		t.Errorf("pod %q, want %s", got, uid)
	}
	if got := podOf("28 1 253:1 / / rw - ext4 /dev/vda1 rw\n"); got != "" {
		t.Errorf("pod %q outside of one", got)
	}
}
