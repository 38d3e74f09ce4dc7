package solana

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// rpc answers JSON-RPC, for the cluster's own endpoint or a node, and returns the method.
func (c *Cluster) rpc(w http.ResponseWriter, r *http.Request, i int) string {
	c.mu.Lock()
	fault := c.rpcFault
	c.mu.Unlock()
	if i >= 0 {
		fault = ""
	}
	if (Node{Fault: fault}).ahead(w, r) {
		return ""
	}
	var asked struct {
		ID     any
		Method string
		Params []json.RawMessage
	}
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
		http.Error(w, "Parse error", http.StatusBadRequest)
		return ""
	}
	told := map[string]any{"jsonrpc": "2.0", "id": asked.ID}
	if result, ok := c.result(asked.Method, asked.Params, i); ok {
		told["result"] = result
	} else {
		told["error"] = map[string]any{"code": -32601, "message": "Method not found"}
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(w).Encode(told) // the client may be gone
	return asked.Method
}

// finalizedBy is how many slots finalized is behind the tip.
const finalizedBy = 31

func (c *Cluster) result(method string, params []json.RawMessage, i int) (any, bool) {
	switch method {
	case "getSlot":
		var config struct{ Commitment string }
		if len(params) > 0 {
			_ = json.Unmarshal(params[0], &config) // what is no config asks for finalized
		}
		tip := c.Tip()
		switch config.Commitment {
		case "processed":
			return tip, true
		case "confirmed":
			return tip - 1, true
		}
		return tip - finalizedBy, true
	case "getHealth":
		return "ok", true
	case "getVersion":
		return map[string]any{"solana-core": "3.1.9", "feature-set": 3640012085}, true
	case "getGenesisHash":
		return c.opts.GenesisHash, true
	case "getClusterNodes":
		return c.clusterNodes(), true
	case "getBlocks":
		return c.blocks(params)
	case "getHighestSnapshotSlot":
		if i < 0 {
			return nil, false
		}
		n, tip := c.look(i)
		return map[string]any{"full": n.base(tip), "incremental": n.incremental(tip)}, true
	}
	return nil, false
}

// SkippedEvery is how often a slot has no block: its leader was away.
const SkippedEvery = 50

// blocks are the slots of a range that have a block.
func (c *Cluster) blocks(params []json.RawMessage) (any, bool) {
	tip := c.Tip()
	from, to := uint64(0), tip
	if len(params) == 0 || json.Unmarshal(params[0], &from) != nil {
		return nil, false
	}
	if len(params) > 1 {
		_ = json.Unmarshal(params[1], &to) // a config may come instead
	}
	to = min(to, tip-finalizedBy, from+500_000)
	blocks := []uint64{}
	for s := from; s <= to; s++ {
		if s%SkippedEvery != 0 {
			blocks = append(blocks, s)
		}
	}
	return blocks, true
}

func (c *Cluster) clusterNodes() any {
	c.mu.Lock()
	defer c.mu.Unlock()
	nodes := make([]map[string]any, 0, len(c.nodes))
	for i, n := range c.nodes {
		addr := c.addr(i + 1)
		version := n.Version
		if version == "" {
			version = "3.1.9"
		}
		told := map[string]any{"pubkey": n.Pubkey, "gossip": fmt.Sprintf("%s:8001", addr), "tvu": fmt.Sprintf("%s:9001", addr), "version": version,
			"shredVersion": c.opts.ShredVersion, "featureSet": 3640012085, "rpc": nil, "pubsub": nil}
		if !n.Private {
			told["rpc"] = fmt.Sprintf("%s:%d", addr, c.port)
		}
		nodes = append(nodes, told)
	}
	return nodes
}
