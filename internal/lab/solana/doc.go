// Package solana is a small Solana cluster for tests: JSON-RPC, nodes that offer snapshots over HTTP as agave does, and an
// entrypoint's ip_echo. One listener serves all nodes, each at an address of its own, so that thousands cost nothing; its sockets are
// in a lab host's network, or on this machine's loopback. Nodes are slow, lie, or vanish as they are told (type Node).
package solana
