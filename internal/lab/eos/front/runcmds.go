package front

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// JSON-RPC's own errors; the texts are [I].
const (
	parseError     = -32700
	invalidRequest = -32600
	noMethod       = -32601
	invalidParams  = -32602
)

// request is what a client posts (eos.md A.1). The id comes back as it was sent.
type request struct {
	JSONRPC string          `json:"jsonrpc"`
	Method  string          `json:"method"`
	ID      json.RawMessage `json:"id"`
	Params  json.RawMessage `json:"params"`
	// pyeapi sends it beside the parameters; it asks for chunks, and nothing is told otherwise by it.
	Streaming bool `json:"streaming"`
}

// params are those of runCmds. includeErrorDetail is [U]: it is taken, and no answer has more by it.
type params struct {
	Version      json.RawMessage `json:"version"`
	Cmds         []command       `json:"cmds"`
	Format       string          `json:"format"`
	Timestamps   bool            `json:"timestamps"`
	AutoComplete bool            `json:"autoComplete"`
	Expand       bool            `json:"expandAliases"`
	StopOnError  *bool           `json:"stopOnError"`
	Detail       bool            `json:"includeErrorDetail"`
}

// command is one of cmds: a string, or what else belongs to it.
type command struct {
	Cmd      string `json:"cmd"`
	Input    string `json:"input"`
	Revision int    `json:"revision"`
}

func (c *command) UnmarshalJSON(b []byte) error {
	if json.Unmarshal(b, &c.Cmd) == nil {
		return nil
	}
	type plain command
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	return d.Decode((*plain)(c))
}

// rpcError is the error of an answer.
type rpcError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	Data    []any  `json:"data,omitempty"`
}

// reply is the answer. Of Result and Error one is there.
type reply struct {
	JSONRPC string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Result  any             `json:"result,omitempty"`
	Error   *rpcError       `json:"error,omitempty"`
}

// commandAPI answers one POST to /command-api. A command that failed is HTTP's 200 too [V].
func (f *Front) commandAPI(w http.ResponseWriter, r *http.Request, user string) {
	if r.Method != http.MethodPost {
		page(w, http.StatusMethodNotAllowed, "Not Allowed")
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, 16<<20))
	if err != nil {
		return // the client has gone
	}
	var ask request
	var answer reply
	var t *Trip
	p := params{}
	if bad := read(body, &ask, &p); bad != nil {
		answer.Error = bad
	} else if answer, t, err = f.runCmds(r.Context(), user, p); err != nil {
		panic(http.ErrAbortHandler) // the wire was cut, or the client has gone
	}
	answer.JSONRPC, answer.ID = "2.0", ask.ID
	if answer.ID == nil {
		answer.ID = json.RawMessage("null")
	}
	text, err := json.Marshal(answer)
	if err != nil {
		page(w, http.StatusInternalServerError, err.Error())
		return
	}
	f.post(w, r, text, t)
}

// post sends an answer, as far as its trip lets it.
func (f *Front) post(w http.ResponseWriter, r *http.Request, text []byte, t *Trip) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", fmt.Sprint(len(text)))
	flush := func(b []byte) {
		w.Write(b)
		http.NewResponseController(w).Flush()
	}
	if t != nil && t.When == Amid {
		n := min(t.Bytes, len(text))
		flush(text[:n])
		if f.act(r.Context(), t) != nil {
			panic(http.ErrAbortHandler)
		}
		text = text[n:]
	}
	flush(text)
	if t != nil && t.When == Answered && f.act(r.Context(), t) != nil {
		panic(http.ErrAbortHandler)
	}
}

// read takes a request apart.
func read(body []byte, ask *request, p *params) *rpcError {
	if err := json.Unmarshal(body, ask); err != nil {
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			return &rpcError{Code: parseError, Message: "Parse error"}
		}
		return &rpcError{Code: invalidRequest, Message: "Invalid Request"}
	}
	if ask.JSONRPC != "2.0" {
		return &rpcError{Code: invalidRequest, Message: "Invalid Request"}
	}
	if ask.Method != "runCmds" {
		return &rpcError{Code: noMethod, Message: "Method not found"}
	}
	d := json.NewDecoder(bytes.NewReader(ask.Params))
	d.DisallowUnknownFields()
	if err := d.Decode(p); err != nil {
		return &rpcError{Code: invalidParams, Message: "Invalid params: " + err.Error()}
	}
	if v := string(p.Version); v != "1" && v != `"latest"` {
		return &rpcError{Code: invalidParams, Message: "Invalid params: version"}
	}
	if p.Format == "" {
		p.Format = "json"
	}
	if p.Format != "json" && p.Format != "text" || p.Cmds == nil {
		return &rpcError{Code: invalidParams, Message: "Invalid params: format or cmds"}
	}
	return nil
}
