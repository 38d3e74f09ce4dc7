package front

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"os"
	"strings"
	"testing"
	"time"
)

const fixtures = "../../../../../shared/fixtures/eos/"

// fixture is a file of the shared fixtures.
func fixture(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(fixtures + name)
	if err != nil {
		t.Fatalf("this test needs the fixtures beside the tree (../shared/fixtures/eos): %v", err)
	}
	return b
}

// poster is an HTTP client of one face of eAPI.
func (s *stage) poster(face string) *poster {
	s.t.Helper()
	at := s.EAPIAddress(face)
	if at == nil {
		s.t.Fatalf("eAPI's face %s does not listen", face)
	}
	tr := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, at.Network(), at.String())
	}}
	p := &poster{&http.Client{Transport: tr, Timeout: 20 * time.Second}, "http://switch", nil}
	if face == "https" {
		cert, err := s.Certificate()
		must(s.t, err)
		p.url = "https://switch"
		tr.TLSClientConfig = &tls.Config{InsecureSkipVerify: true, VerifyConnection: func(c tls.ConnectionState) error {
			if !c.PeerCertificates[0].Equal(cert) {
				return errors.New("another certificate than the switch's")
			}
			return nil
		}}
	}
	s.t.Cleanup(tr.CloseIdleConnections)
	return p
}

type poster struct {
	*http.Client
	url    string
	change func(*http.Request)
}

func (p *poster) post(path, body string) (int, string, error) {
	r, err := http.NewRequest("POST", p.url+path, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	if p.change != nil {
		p.change(r)
	}
	a, err := p.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer a.Body.Close()
	text, err := io.ReadAll(a.Body)
	return a.StatusCode, string(text), err
}

// cmds is a request; extra are more parameters.
func cmds(list any, extra ...any) string {
	params := map[string]any{"version": 1, "cmds": list}
	for i := 0; i+1 < len(extra); i += 2 {
		params[extra[i].(string)] = extra[i+1]
	}
	b, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "method": "runCmds", "id": "EapiExplorer-1", "params": params})
	if err != nil {
		panic(err)
	}
	return string(b)
}

// The answers to commands: models, text, errors with their data, each with HTTP's 200.
func TestEAPI(t *testing.T) {
	s := newStage(t)
	s.answers["copy a b"] = "Copy completed successfully.\n"
	s.answers["show text"] = "only text\n"
	must(t, s.SetEAPI(EAPI{Unix: true}))
	p := s.poster("unix")
	list := func(l ...any) []any { return l }
	for _, c := range []struct{ name, ask, want string }{
		{"a model, its numbers as they are", cmds(list("show version")),
			`{"jsonrpc":"2.0","id":"EapiExplorer-1","result":[{"counter":18446744073709551615,"serialNumber":"JPA1","version":"4.34.0F"}]}`},
		{"text", cmds(list("show version"), "format", "text"),
			`{"jsonrpc":"2.0","id":"EapiExplorer-1","result":[{"output":"Arista DCS-7280CR3A-32S\n"}]}`},
		{"a message", cmds(list("enable", "copy a b")),
			`{"jsonrpc":"2.0","id":"EapiExplorer-1","result":[{},{"messages":["Copy completed successfully."]}]}`},
		{"nothing asked", cmds([]any{}), `{"jsonrpc":"2.0","id":"EapiExplorer-1","result":[]}`},
		{"no model", cmds(list("show text")), `{"jsonrpc":"2.0","id":"EapiExplorer-1","error":{"code":1003,` +
			`"message":"CLI command 1 of 1 'show text' failed: unconverted command","data":[{"errors":["This is an unconverted command"]}]}}`},
		{"mode does not survive a request", cmds(list("configure")), `{"jsonrpc":"2.0","id":"EapiExplorer-1","error":{"code":1002,` +
			`"message":"CLI command 1 of 1 'configure' failed: invalid command","data":[{"errors":["Invalid input (at token 1: 'configure')"]}]}}`},
		{"after an error", cmds(list("bad", "show version"), "stopOnError", false, "format", "text"),
			`{"jsonrpc":"2.0","id":"EapiExplorer-1","error":{"code":1002,"message":"CLI command 1 of 2 'bad' failed: invalid command",` +
				`"data":[{"errors":["Invalid input (at token 1: 'bad')"],"output":"% Invalid input\n"},{"output":"Arista DCS-7280CR3A-32S\n"}]}}`},
		{"bash", cmds(list("enable", "bash echo $((6*7))"), "format", "text"),
			`{"jsonrpc":"2.0","id":"EapiExplorer-1","result":[{"output":""},{"output":"42\n"}]}`},
		{"no method", `{"jsonrpc":"2.0","method":"runs","id":7,"params":{}}`, `{"jsonrpc":"2.0","id":7,"error":{"code":-32601,"message":"Method not found"}}`},
		{"no JSON", `{`, `{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error"}}`},
		{"no version", `{"jsonrpc":"2.0","method":"runCmds","id":"x","params":{"cmds":[]}}`,
			`{"jsonrpc":"2.0","id":"x","error":{"code":-32602,"message":"Invalid params: version"}}`},
	} {
		code, got, err := p.post("/command-api", c.ask)
		if err != nil || code != 200 || got != c.want {
			t.Errorf("%s: %d, %v\n got %s\nwant %s", c.name, code, err, got, c.want)
		}
	}
}

// The recorded error of a real box, asked again: code, message and data are the same (json/curated/eapi-error-1002.json).
func TestEAPIRecorded(t *testing.T) {
	var want, got struct {
		ID    string
		Error struct {
			Code    int
			Message string
			Data    []map[string]any
		}
	}
	must(t, json.Unmarshal(fixture(t, "json/curated/eapi-error-1002.json"), &want))
	s := newStage(t)
	model, err := json.Marshal(want.Error.Data[0])
	must(t, err)
	s.answers["show version | json"] = string(model)
	must(t, s.SetEAPI(EAPI{Unix: true}))
	p := s.poster("unix")
	ask := cmds([]string{"show version", "bad command", "show clock"})
	_, text, err := p.post("/command-api", ask)
	must(t, err)
	must(t, json.Unmarshal([]byte(text), &got))
	equal(t, "the answer", got, want)

	must(t, s.SetFaults(Faults{DataStrings: true}))
	_, text, err = p.post("/command-api", ask)
	must(t, err)
	var strung struct{ Error struct{ Data []string } }
	must(t, json.Unmarshal([]byte(text), &strung))
	equal(t, "strings of JSON", strung.Error.Data[1], `{"errors":["Invalid input (at token 1: 'bad')"]}`)
}

// A secret given as input: right, wrong, and where its words come back.
func TestEAPISecret(t *testing.T) {
	s := newStage(t)
	s.secret = "hush"
	must(t, s.SetEAPI(EAPI{Unix: true}))
	p := s.poster("unix")
	enable := func(secret string) string {
		return cmds([]any{map[string]string{"cmd": "enable", "input": secret}, "configure"})
	}
	_, text, err := p.post("/command-api", enable("hush"))
	equal(t, "the right one", fmt.Sprint(text, err), `{"jsonrpc":"2.0","id":"EapiExplorer-1","result":[{},{}]}<nil>`)
	_, text, err = p.post("/command-api", enable("wrong"))
	equal(t, "a wrong one", fmt.Sprint(text, err), `{"jsonrpc":"2.0","id":"EapiExplorer-1","error":{"code":1005,"message":`+
		`"CLI command 1 of 2 'enable (input=wrong)' failed: permission to execute command denied","data":[{"errors":["Bad secret"]}]}}<nil>`)
	_, text, err = p.post("/command-api", cmds([]any{map[string]string{"cmd": "enable", "input": "hush"}, "configure",
		map[string]string{"cmd": "banner motd", "input": "one\n! two\nEOF"}, "end"}))
	equal(t, "a banner", fmt.Sprint(text, err), `{"jsonrpc":"2.0","id":"EapiExplorer-1","result":[{},{},{},{}]}<nil>`)
	_, banners := s.done()
	equal(t, "banners", banners, []string{"one\n! two"})
	for _, h := range s.Log().All() {
		if strings.Contains(fmt.Sprint(h), "hush") {
			t.Errorf("the log has the secret: %v", h)
		}
	}
}

// Times are in each result when they are asked for.
func TestEAPITimes(t *testing.T) {
	s := newStage(t)
	must(t, s.SetEAPI(EAPI{Unix: true}))
	before := float64(time.Now().Unix())
	_, text, err := s.poster("unix").post("/command-api", cmds([]string{"show version"}, "timestamps", true))
	must(t, err)
	var got struct {
		Result []struct {
			Meta struct{ ExecStartTime, ExecDuration *float64 } `json:"_meta"`
		}
	}
	must(t, json.Unmarshal([]byte(text), &got))
	if m := got.Result[0].Meta; m.ExecStartTime == nil || *m.ExecStartTime < before || m.ExecDuration == nil {
		t.Errorf("times: %s", text)
	}
}

// Who may ask: everybody on the switch itself; over the network a password, or a session's cookie until it ends.
func TestEAPIWho(t *testing.T) {
	s := newStage(t)
	must(t, s.SetEAPI(EAPI{HTTPS: true, LocalHTTP: true}))
	ask := cmds([]string{"show version"})
	p := s.poster("https")
	status := func(path, body string) int {
		t.Helper()
		code, _, err := p.post(path, body)
		must(t, err)
		return code
	}
	code, text, err := p.post("/command-api", ask)
	if err != nil || code != 401 || !strings.Contains(text, "<html>") {
		t.Errorf("nobody: %d %s %v", code, text, err)
	}
	p.change = func(r *http.Request) { r.SetBasicAuth("install", "pass word") }
	equal(t, "the password", status("/command-api", ask), 200)
	p.change = func(r *http.Request) { r.SetBasicAuth("install", "password") }
	equal(t, "another password", status("/command-api", ask), 401)
	p.change = nil
	p.Jar, err = cookiejar.New(nil)
	must(t, err)
	equal(t, "a bad login", status("/login", `{"username":"install","password":""}`), 401)
	equal(t, "a login", status("/login", `{"username":"install","password":"pass word"}`), 200)
	equal(t, "a session", status("/command-api", ask), 200)
	s.EndEAPISessions()
	equal(t, "a session that is over", status("/command-api", ask), 401)
	equal(t, "a login", status("/login", `{"username":"install","password":"pass word"}`), 200)
	equal(t, "a logout", status("/logout", ""), 200)
	equal(t, "after it", status("/command-api", ask), 401)
	code, _, err = s.poster("http").post("/command-api", ask)
	equal(t, "on localhost", fmt.Sprint(code, err), "200 <nil>")
}

// What is no answer of CapiApp's: 401, 502, a page; and faces that are shut.
func TestEAPIIll(t *testing.T) {
	s := newStage(t)
	must(t, s.SetEAPI(EAPI{LocalHTTP: true}))
	p := s.poster("http")
	for _, c := range []struct {
		faults Faults
		code   int
		html   bool
	}{{Faults{HTTP: 401}, 401, true}, {Faults{HTTP: 502}, 502, true}, {Faults{HTML: true}, 200, true}, {Faults{}, 200, false}} {
		must(t, s.SetFaults(c.faults))
		code, text, err := p.post("/command-api", cmds([]string{"show version"}))
		if err != nil || code != c.code || strings.Contains(text, "<html>") != c.html {
			t.Errorf("%+v: %d %q %v", c.faults, code, text, err)
		}
	}
	equal(t, "commands that reached the device", len(s.Log().Lines()), 1)
	must(t, s.SetEAPI(EAPI{}))
	p.CloseIdleConnections()
	if _, _, err := p.post("/command-api", cmds([]string{"show version"})); err == nil {
		t.Error("the face is shut, and answers")
	}
}
