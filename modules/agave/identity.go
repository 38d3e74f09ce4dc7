package agave

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strings"

	"bisc/internal/host"
	"bisc/modules"
)

// IdentityKind is which validator a key file is of: for invariants.
var IdentityKind = modules.Kind{
	Name: "identity", Label: "the key file on the host", Platform: host.Linux, Layer: "agave",
	Doc: "Which validator a key file makes the host, for an `invariant`: bisc repairs none of it. Two validators with one identity at a time are punished by the cluster, and one with another's votes for nobody. " +
		"The file is Solana's, 64 bytes as a list of numbers; the secret half is used for nothing but to see that the public half belongs to it, and none of it is shown, kept or written anywhere.",
	Checks: []string{
		"now and after boot: the public key in the file, and that it belongs to the secret half",
		"now, where `rpc` is given and answers: getIdentity of the validator that runs. One that is silent runs with nothing yet",
	},
	Example: `identity "/srv/kind/validator-config/validator-identity.json" {
  pubkey = "7vVXwqE9yxkN8bDVnQhGrTtXoPjMzK3fRa5sRcUeWd1B"
  rpc    = "http://127.0.0.1:8899"
}
`,
	New: func(label string) modules.Resource { return &Identity{Path: label} },
}

// Identity is the resource of IdentityKind.
type Identity struct {
	Path   string
	Pubkey string `hcl:"pubkey,optional" doc:"the public key, in base58, as solana-keygen pubkey prints it. Default: any; that a key file is there is enough"`
	RPC    string `hcl:"rpc,optional" doc:"the validator's own JSON-RPC, as the host reaches it: what runs must have this identity too. Default: not asked"`
}

var pubkeyForm = regexp.MustCompile(`^[1-9A-HJ-NP-Za-km-z]{32,44}$`)

// Validate finds what is no key and no path.
func (i *Identity) Validate() error {
	var faults []error
	if !strings.HasPrefix(i.Path, "/") {
		faults = append(faults, &modules.AttrError{Reason: fmt.Sprintf("%q: write the absolute path of the key file", i.Path)})
	}
	if i.Pubkey != "" && !pubkeyForm.MatchString(i.Pubkey) {
		faults = append(faults, &modules.AttrError{Attr: "pubkey", Reason: "it is no public key in base58 (it is not shown, it may be something else): solana-keygen pubkey prints one of 32 to 44 characters"})
	}
	if err := (host.RPCQuery{URL: i.RPC, Method: "getIdentity"}).Check(); i.RPC != "" && err != nil {
		faults = append(faults, &modules.AttrError{Attr: "rpc", Reason: fmt.Sprintf("%q is no endpoint: write http:// or https://, a host and a port", i.RPC)})
	}
	return errors.Join(faults...)
}

// Plan reads the file and asks what runs.
func (i *Identity) Plan(ctx context.Context, h host.Reader) (modules.Change, error) {
	var file, runs string
	err := host.Ask(ctx,
		func(ctx context.Context) (err error) { file, err = readPubkey(ctx, h, i.Path); return err },
		func(ctx context.Context) (err error) {
			if i.RPC != "" {
				runs, err = runningIdentity(ctx, h, i.RPC)
			}
			return err
		})
	if err != nil {
		return modules.Change{}, err
	}
	return i.decide(file, runs), nil
}

// decide compares. runs is empty where nothing answers.
func (i *Identity) decide(file, runs string) modules.Change {
	var c modules.Change
	want := cmp.Or(i.Pubkey, file)
	if file == "" {
		c.Refuse("file", "not there", cmp.Or(want, "a key file"), "bisc writes no keys: put the key file there")
	} else if file != want {
		c.Refuse("pubkey", file, want, "it is another validator's: bisc writes no keys")
	}
	if runs != "" && want != "" && runs != want {
		c.Refuse("runs as", runs, want, "the validator that answers has another identity than is wanted")
	}
	return c
}

// readPubkey gives the public half of a key file; nothing where there is none. No error has a byte of it.
func readPubkey(ctx context.Context, h host.Reader, name string) (string, error) {
	text, err := h.ReadFile(ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read the key file %s: %w", name, err)
	}
	key, ok := parseKey(text)
	if !ok {
		return "", fmt.Errorf("the key file %s is not a list of 64 bytes whose second half is the public key of the first (its content is not shown)", name)
	}
	return key, nil
}

// parseKey reads a key file and gives the public key. It makes no error of its own: one of a parser would quote the secret.
func parseKey(text []byte) (pubkey string, ok bool) {
	var bytes []uint8
	var numbers []int
	if err := json.Unmarshal(text, &numbers); err != nil || len(numbers) != ed25519.PrivateKeySize {
		return "", false
	}
	for _, n := range numbers {
		if n < 0 || n > 255 {
			return "", false
		}
		bytes = append(bytes, uint8(n))
	}
	public, _ := ed25519.NewKeyFromSeed(bytes[:ed25519.SeedSize]).Public().(ed25519.PublicKey)
	if string(public) != string(bytes[ed25519.SeedSize:]) {
		return "", false
	}
	return base58(public), true
}

// runningIdentity asks the validator that runs; nothing where nobody listens, or what starts does not answer yet.
func runningIdentity(ctx context.Context, h host.Reader, url string) (string, error) {
	text, err := h.RPC(ctx, host.RPCQuery{URL: url, Method: "getIdentity"})
	if errors.Is(err, host.ErrNotListening) {
		return "", nil
	}
	var refused *host.RPCError
	if err != nil && !errors.As(err, &refused) && !errors.Is(err, host.ErrStuck) {
		// Where docker publishes the port, its proxy takes the question of a validator that is down and hangs up.
		if processes, unread, tableErr := readProcesses(ctx, h); tableErr == nil && unread == nil && len(processes) == 0 {
			return "", nil
		}
	}
	if err != nil {
		return "", fmt.Errorf("ask as whom the validator runs: %w", err)
	}
	var answer struct{ Identity string }
	if err := json.Unmarshal(text, &answer); err != nil || !pubkeyForm.MatchString(answer.Identity) {
		return "", fmt.Errorf("getIdentity at %s: its answer is no identity: %q", url, shortened(text))
	}
	return answer.Identity, nil
}
