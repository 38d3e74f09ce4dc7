// Package cluster asks the nodes of a cluster what they serve, from the host that this runs on: which snapshots, and how fast.
package cluster

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
	"golang.org/x/time/rate"

	"bisc/hostbin/snapshots"
)

// Client speaks HTTP from one address of this host.
type Client struct {
	RPC string // of the cluster: http://... or https://...
	// From is the address or the network interface by which everything leaves; "" is the kernel's choice.
	From string
	// Cap is the most that all downloads together take; nil is no limit.
	Cap *rate.Limiter

	probes, downloads *http.Transport
}

// New makes a client. bandwidth is in bytes a second, zero for no limit.
func New(rpc, from string, bandwidth int64) (*Client, error) {
	c := &Client{RPC: rpc, From: from}
	dialer, err := dialerFrom(from)
	if err != nil {
		return nil, err
	}
	// A probe's transport keeps nothing: thousands of nodes are asked one question or two.
	c.probes = &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true, DisableCompression: true, ReadBufferSize: 1 << 10, WriteBufferSize: 1 << 10, MaxResponseHeaderBytes: 16 << 10}
	c.downloads = &http.Transport{DialContext: dialer.DialContext, DisableCompression: true, ReadBufferSize: 256 << 10, ResponseHeaderTimeout: 20 * time.Second, TLSHandshakeTimeout: 10 * time.Second}
	if bandwidth > 0 {
		c.Cap = rate.NewLimiter(rate.Limit(bandwidth), int(max(bandwidth/10, chunk)))
	}
	return c, nil
}

// chunk is how much is read at a time, in bytes.
const chunk = 128 << 10

func dialerFrom(from string) (*net.Dialer, error) {
	d := &net.Dialer{Timeout: 10 * time.Second}
	if from == "" {
		return d, nil
	}
	if a, err := netip.ParseAddr(from); err == nil {
		d.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(a, 0))
		return d, nil
	}
	if _, err := net.InterfaceByName(from); err != nil {
		return nil, fmt.Errorf("--from %s is neither an address nor a network interface of this host: %w", from, err)
	}
	d.Control = func(_, _ string, raw syscall.RawConn) error {
		var bound error
		if err := raw.Control(func(fd uintptr) { bound = unix.BindToDevice(int(fd), from) }); err != nil {
			return err
		}
		if bound != nil {
			return fmt.Errorf("leave by the interface %s: %w", from, bound)
		}
		return nil
	}
	return d, nil
}

// maxAnswer is the most of an RPC's answer that is read: getClusterNodes of 5,000 nodes is about 3 MB.
const maxAnswer = 64 << 20

// Ask puts a JSON-RPC question to the cluster.
func (c *Client) Ask(ctx context.Context, method, params string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	if params == "" {
		params = "[]"
	}
	body := fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":%q,"params":%s}`, method, params)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.RPC, bytes.NewBufferString(body))
	if err != nil {
		return nil, fmt.Errorf("ask %s at %s: %w", method, c.RPC, err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.downloads.RoundTrip(req)
	if err != nil {
		return nil, fmt.Errorf("ask %s at %s: %w", method, c.RPC, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("ask %s at %s: %w", method, c.RPC, err)
	}
	var answer struct {
		Result json.RawMessage
		Error  *struct {
			Code    int
			Message string
		}
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return nil, fmt.Errorf("ask %s at %s: %s, %.80q: no JSON-RPC answers there", method, c.RPC, resp.Status, text)
	}
	if answer.Error != nil {
		return nil, fmt.Errorf("ask %s at %s: %w", method, c.RPC, &snapshots.Refusal{Code: answer.Error.Code, Message: answer.Error.Message})
	}
	return answer.Result, nil
}

// Nodes are the cluster's, as its RPC names them, one each of those that have an RPC port of their own.
func (c *Client) Nodes(ctx context.Context) ([]snapshots.Node, error) {
	text, err := c.Ask(ctx, "getClusterNodes", "")
	if err != nil {
		return nil, err
	}
	var entries []struct {
		Pubkey       string
		RPC          *string
		Version      *string
		ShredVersion *int
	}
	if err := json.Unmarshal(text, &entries); err != nil {
		return nil, fmt.Errorf("the cluster's nodes: %w", err)
	}
	seen := map[string]bool{}
	var out []snapshots.Node
	for _, e := range entries {
		n := snapshots.Node{Identity: e.Pubkey}
		if e.RPC != nil {
			n.RPC = *e.RPC
		}
		if e.Version != nil {
			n.Version = *e.Version
		}
		if e.ShredVersion != nil {
			n.ShredVersion = *e.ShredVersion
		}
		if n.RPC != "" && seen[n.RPC] {
			continue
		}
		seen[n.RPC] = true
		out = append(out, n)
	}
	return out, nil
}
