package localhost

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bisc/internal/host"
	"bisc/internal/host/hosttest"
	"bisc/internal/host/sshhost"
)

// TestServices: the machine dials its own services, and reads the kubeconfig as root does. A certificate that the kubeconfig names
// by a file is one of the machine's, in the kubeconfig's folder.
func TestServices(t *testing.T) {
	at, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := hosttest.ServeKube(t, at)
	s.Set("/api/v1/namespaces/n/pods/p", `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","uid":"u-1"}}`)
	dir := t.TempDir()
	for name, text := range map[string]string{
		"ca.pem": string(s.CA), "admin.pem": string(s.Cert), "key.pem": string(s.Key),
		"files": "apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts: [{name: c, context: {cluster: k, user: u}}]\n" +
			"clusters: [{name: k, cluster: {server: 'https://" + at.Addr().String() + "', certificate-authority: ca.pem}}]\n" +
			"users: [{name: u, user: {client-certificate: admin.pem, client-key: " + dir + "/key.pem}}]\n",
		"inline": string(s.Kubeconfig),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	h, err := sshhost.NewPool(sshhost.Options{}).Open(t.Context(), config(&sessions{}))
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	for _, name := range []string{"files", "inline"} {
		out, err := h.Kube(t.Context(), host.KubeQuery{Kubeconfig: filepath.Join(dir, name), Resource: "v1/pods", Namespace: "n", Name: "p"})
		if err != nil || !strings.Contains(string(out), "u-1") {
			t.Errorf("%s: %s %v", name, out, err)
		}
	}
	_, err = h.RPC(t.Context(), host.RPCQuery{URL: "http://127.0.0.1:1", Method: "getSlot"})
	if !errors.Is(err, host.ErrNotListening) {
		t.Errorf("nobody there: %v", err)
	}
}
