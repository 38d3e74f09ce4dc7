package host

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// RPCMethods are Solana's JSON-RPC methods that read and that bisc asks; nothing else is sent.
func RPCMethods() []string {
	return []string{"getHealth", "getSlot", "getIdentity", "getVersion", "getBlocks", "getClusterNodes", "getEpochInfo", "getGenesisHash",
		"getHighestSnapshotSlot", "getMaxShredInsertSlot", "getMaxRetransmitSlot", "getBlockHeight", "getBlockProduction", "getBlockTime", "getFirstAvailableBlock", "minimumLedgerSlot"}
}

// RPCQuery is a JSON-RPC 2.0 question over HTTP, dialled on the host: to the validator's own port, or to a cluster's public
// endpoint by its name, which the host resolves.
type RPCQuery struct {
	URL    string // http://127.0.0.1:8899, https://api.mainnet-beta.example
	Method string // one of RPCMethods
	Params string // a JSON array; "" is none
}

// String names the question.
func (q RPCQuery) String() string {
	return q.Method + "(" + strings.Trim(q.Params, "[]") + ") at " + q.URL
}

// Check tells whether the question may be asked.
func (q RPCQuery) Check() error {
	if !slices.Contains(RPCMethods(), q.Method) {
		return fmt.Errorf("%w: the RPC method %q", ErrNotReadOnly, q.Method)
	}
	if !strings.HasPrefix(q.URL, "http://") && !strings.HasPrefix(q.URL, "https://") {
		return fmt.Errorf("%w: the RPC endpoint %q: want http:// or https://", ErrNotReadOnly, q.URL)
	}
	if q.Params != "" && (!json.Valid([]byte(q.Params)) || !strings.HasPrefix(q.Params, "[")) {
		return fmt.Errorf("%w: the RPC parameters %q: want a JSON array", ErrNotReadOnly, q.Params)
	}
	return nil
}

// RPCError is an answer of a JSON-RPC server that says no: a validator that is behind answers getHealth so.
type RPCError struct {
	Code    int
	Message string
	Data    json.RawMessage
}

// Error gives code and message.
func (e *RPCError) Error() string { return fmt.Sprintf("the RPC answered %d: %s", e.Code, e.Message) }
