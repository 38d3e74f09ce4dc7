package validator

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"time"

	"bisc/internal/lab/solana/key"
)

// healthDistance is how far behind a validator still calls itself healthy, unless --health-check-slot-distance says otherwise.
const healthDistance = 128

// serveRPC answers on --rpc-port until ctx ends; the switch can close it, and open it again.
func (n *node) serveRPC(ctx context.Context) error {
	if !n.line.has("rpc-port") {
		return nil
	}
	at := net.JoinHostPort(n.line.get("rpc-bind-address", "127.0.0.1"), n.line.get("rpc-port", ""))
	l, err := net.Listen("tcp", at)
	if err != nil {
		return fmt.Errorf("JSON RPC: %w", err)
	}
	go func() {
		named("solRpcEl")
		for ctx.Err() == nil {
			if l == nil {
				if l, err = net.Listen("tcp", at); err != nil {
					n.log.fail("JSON RPC: %v", err)
				}
			}
			if err == nil {
				n.serveUntilClosed(ctx, l)
			}
			for l = nil; ctx.Err() == nil && n.faults().RPC == RPCClosed; {
				wait(ctx, 50*time.Millisecond)
			}
		}
	}()
	return nil
}

func (n *node) serveUntilClosed(ctx context.Context, l net.Listener) {
	server := &http.Server{Handler: n.handler()}
	ctx, end := context.WithCancel(ctx)
	go func() {
		for ctx.Err() == nil && n.faults().RPC != RPCClosed {
			wait(ctx, 50*time.Millisecond)
		}
		server.Close()
	}()
	_ = server.Serve(l) // ends by Close alone
	end()
}

func (n *node) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, r *http.Request) {
		text, _ := n.health()
		fmt.Fprint(w, text)
	})
	mux.HandleFunc("POST /", func(w http.ResponseWriter, r *http.Request) {
		var asked request
		if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
			http.Error(w, "Parse error", http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		_ = json.NewEncoder(w).Encode(n.answer(asked)) // the client may be gone
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for n.faults().RPC == RPCSilent && r.Context().Err() == nil {
			wait(r.Context(), 50*time.Millisecond)
		}
		mux.ServeHTTP(w, r)
	})
}

// health is what /health says, and the error of getHealth where it is not ok.
func (n *node) health() (string, *rpcError) {
	if n.faults().RPC == RPCUnhealthy {
		return "unknown", &rpcError{Code: -32005, Message: "Node is unhealthy", Data: map[string]any{"numSlotsBehind": nil}}
	}
	limit := uint64(healthDistance)
	_, _ = fmt.Sscan(n.line.get("health-check-slot-distance", ""), &limit) // it stays where there is none
	tip, slot := n.tip(), n.processed()
	if tip <= slot+limit {
		return "ok", nil
	}
	return "behind", &rpcError{Code: -32005, Message: fmt.Sprintf("Node is behind by %d slots", tip-slot), Data: map[string]any{"numSlotsBehind": tip - slot}}
}

// confirmed and finalized are how far those commitments are behind what was processed.
const (
	confirmedBy = 1
	finalizedBy = 31
)

func (n *node) committed(params json.RawMessage) uint64 {
	slot, behind := n.processed(), uint64(finalizedBy)
	var list []json.RawMessage
	_ = json.Unmarshal(params, &list) // without params it is finalized
	for _, p := range list {
		var config struct{ Commitment string }
		_ = json.Unmarshal(p, &config) // a number is no config
		switch config.Commitment {
		case "processed":
			behind = 0
		case "confirmed":
			behind = confirmedBy
		}
	}
	return slot - min(slot, behind)
}

func (n *node) answer(asked request) answer {
	switch asked.Method {
	case "getHealth":
		if _, err := n.health(); err != nil {
			return answer{Version: "2.0", ID: asked.ID, Error: err}
		}
		return result(asked.ID, "ok")
	case "getSlot":
		return result(asked.ID, n.committed(asked.Params))
	case "getBlockHeight":
		return result(asked.ID, n.committed(asked.Params)*9/10)
	case "getIdentity":
		return result(asked.ID, map[string]string{"identity": n.identity})
	case "getVersion":
		return result(asked.ID, map[string]any{"solana-core": made().Version, "feature-set": features})
	case "getGenesisHash":
		return result(asked.ID, n.line.get("expected-genesis-hash", key.Hash("genesis")))
	case "getMaxShredInsertSlot", "getMaxRetransmitSlot":
		return result(asked.ID, n.tip())
	case "getBlocks":
		return n.blocks(asked)
	case "getFirstAvailableBlock", "minimumLedgerSlot":
		slots, err := ReadSlots(n.ledger)
		if err != nil || len(slots) == 0 {
			return result(asked.ID, 0)
		}
		return result(asked.ID, slots[0].Slot)
	case "getHighestSnapshotSlot":
		return n.highestSnapshot(asked)
	case "getClusterNodes":
		info := n.contact()
		info["pubkey"] = info["id"]
		return result(asked.ID, []any{info})
	}
	return answer{Version: "2.0", ID: asked.ID, Error: &rpcError{Code: -32601, Message: "Method not found"}}
}

// blocks are the full slots of a range.
func (n *node) blocks(asked request) answer {
	var list []json.RawMessage
	from, to := uint64(0), ^uint64(0)
	_ = json.Unmarshal(asked.Params, &list) // an empty list is refused next
	if len(list) == 0 || json.Unmarshal(list[0], &from) != nil {
		return answer{Version: "2.0", ID: asked.ID, Error: &rpcError{Code: -32602, Message: "`params` should have at least 1 argument(s)"}}
	}
	if len(list) > 1 {
		_ = json.Unmarshal(list[1], &to) // a config may come instead
	}
	slots, err := ReadSlots(n.ledger)
	if err != nil {
		return answer{Version: "2.0", ID: asked.ID, Error: &rpcError{Code: -32603, Message: err.Error()}}
	}
	full := []uint64{}
	for _, s := range slots {
		if s.Full && s.Slot >= from && s.Slot <= min(to, n.processed()) {
			full = append(full, s.Slot)
		}
	}
	return result(asked.ID, full)
}
