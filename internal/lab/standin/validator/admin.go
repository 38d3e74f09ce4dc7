package validator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"time"
)

// adminSocket is where a running validator is asked to exit, in its ledger.
func adminSocket(ledger string) string { return filepath.Join(ledger, "admin.rpc") }

// request and answer are JSON-RPC 2.0, one after the other on the socket.
type request struct {
	Version string          `json:"jsonrpc"`
	ID      any             `json:"id"`
	Method  string          `json:"method"`
	Params  json.RawMessage `json:"params,omitempty"`
}

type answer struct {
	Version string          `json:"jsonrpc"`
	Result  json.RawMessage `json:"result,omitempty"`
	Error   *rpcError       `json:"error,omitempty"`
	ID      any             `json:"id"`
}

type rpcError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	Data    any    `json:"data,omitempty"`
}

func (e *rpcError) Error() string { return fmt.Sprintf("%s (%d)", e.Message, e.Code) }

func result(id any, v any) answer {
	text, err := json.Marshal(v)
	if err != nil {
		return answer{Version: "2.0", ID: id, Error: &rpcError{Code: -32603, Message: err.Error()}}
	}
	return answer{Version: "2.0", ID: id, Result: text}
}

// serveAdmin listens on the admin socket until ctx ends. What a validator before left is replaced, as the real one does.
func (n *node) serveAdmin(ctx context.Context) error {
	name := adminSocket(n.ledger)
	if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	l, err := net.Listen("unix", name)
	if err != nil {
		return fmt.Errorf("admin socket: %w", err)
	}
	context.AfterFunc(ctx, func() { l.Close() })
	go func() {
		named("solAdminRpc")
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go n.admin(c)
		}
	}()
	return nil
}

func (n *node) admin(c net.Conn) {
	defer c.Close()
	in, out := json.NewDecoder(c), json.NewEncoder(c)
	for {
		var asked request
		if err := in.Decode(&asked); err != nil {
			if !errors.Is(err, io.EOF) {
				_ = out.Encode(answer{Version: "2.0", Error: &rpcError{Code: -32700, Message: "Parse error"}}) // it may be gone
			}
			return
		}
		for n.faults().Exit == ExitDeaf {
			time.Sleep(100 * time.Millisecond)
		}
		if err := out.Encode(n.adminAnswer(asked)); err != nil {
			return
		}
	}
}

func (n *node) adminAnswer(asked request) answer {
	switch asked.Method {
	case "exit":
		n.askExit()
		return result(asked.ID, nil)
	case "pid":
		return result(asked.ID, os.Getpid())
	case "startTime":
		return result(asked.ID, map[string]int64{"secs_since_epoch": n.start.Unix(), "nanos_since_epoch": int64(n.start.Nanosecond())})
	case "startProgress":
		return result(asked.ID, json.RawMessage(n.phaseNow()))
	case "rpcAddress":
		if !n.line.has("rpc-port") {
			return result(asked.ID, nil)
		}
		return result(asked.ID, net.JoinHostPort(n.line.get("rpc-bind-address", "127.0.0.1"), n.line.get("rpc-port", "")))
	case "contactInfo":
		return result(asked.ID, n.contact())
	}
	return answer{Version: "2.0", ID: asked.ID, Error: &rpcError{Code: -32601, Message: "Method not found"}}
}

// askExit begins the exit a moment after the request was answered, as the real one does.
func (n *node) askExit() {
	n.log.info("exit admin rpc request received")
	if n.faults().Exit == ExitStubborn {
		return
	}
	time.AfterFunc(100*time.Millisecond, func() { n.ask.Do(func() { close(n.exiting) }) })
}

// contact is what the validator advertises of itself, as contactInfo tells it.
func (n *node) contact() map[string]any {
	host := n.line.get("gossip-host", n.line.get("bind-address", "127.0.0.1"))
	low := lowPort(n.line.get("dynamic-port-range", "8000-10000"))
	at := func(port int) string { return net.JoinHostPort(host, fmt.Sprint(port)) }
	rpc := n.line.get("public-rpc-address", net.JoinHostPort(host, n.line.get("rpc-port", "0")))
	if n.line.has("private-rpc") {
		rpc = "0.0.0.0:0"
	}
	return map[string]any{
		"id": n.identity, "gossip": net.JoinHostPort(host, n.line.get("gossip-port", "8001")), "tvu": n.line.get("public-tvu-address", at(low+1)),
		"tpu": at(low + 2), "tpuQuic": at(low + 8), "serveRepair": at(low + 5), "rpc": rpc, "version": made().Version, "shredVersion": n.shredVersion(),
		"lastUpdatedTimestamp": time.Now().UnixMilli(),
	}
}

func (n *node) shredVersion() json.Number {
	return json.Number(n.line.get("expected-shred-version", "50093"))
}

func lowPort(span string) (low int) {
	if _, err := fmt.Sscanf(span, "%d-", &low); err != nil {
		return 8000
	}
	return low
}
