package live

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

// pins are the fingerprints of the host's keys, as the inventory takes them.
func (o *operator) pins(t *testing.T) string {
	t.Helper()
	var out []string
	for _, line := range o.host.HostKeys() {
		key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, fmt.Sprintf("%q", ssh.FingerprintSHA256(key)))
	}
	return strings.Join(out, ", ")
}
