package front

import (
	"bytes"
	"encoding/json"
	"net/http/httptest"
	"testing"

	"golang.org/x/crypto/ssh"
)

// Whatever is posted, the answer is HTTP's 200 and one JSON-RPC answer: with a result or an error, never both, and with the id that came.
func FuzzCommandAPI(f *testing.F) {
	for _, seed := range []string{
		cmds([]string{"show version", "bad command"}), cmds([]any{map[string]string{"cmd": "enable", "input": "x\ny"}}, "format", "text", "timestamps", true),
		`{"jsonrpc":"2.0","method":"runCmds","id":[1],"params":[1,["show version"]]}`, `[]`, `{"jsonrpc":"2.0","method":"runCmds","id":null,"params":null}`,
		`{"jsonrpc":"2.0","method":"runCmds","params":{"version":1,"cmds":[{"cmd":1}]}}`, "\xff", "",
	} {
		f.Add([]byte(seed))
	}
	front, err := New(Options{
		HostKey: stranger{}, Authorized: func(string, ssh.PublicKey) bool { return false },
		Open: func(user, tty string) Shell {
			return &play{host: "h", answers: map[string]string{"show version | json": `{"a":1}`, "show version": "a\n"}}
		},
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(front.Close)
	handler := front.handler(false)
	f.Fuzz(func(t *testing.T, body []byte) {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest("POST", "/command-api", bytes.NewReader(body)))
		var got map[string]json.RawMessage
		if err := json.Unmarshal(w.Body.Bytes(), &got); w.Code != 200 || err != nil {
			t.Fatalf("%d, %v: %s", w.Code, err, w.Body)
		}
		if (got["result"] == nil) == (got["error"] == nil) || string(got["jsonrpc"]) != `"2.0"` || got["id"] == nil {
			t.Errorf("no answer: %s", w.Body)
		}
	})
}

// stranger is a host key for a front that nobody dials.
type stranger struct{ ssh.Signer }
