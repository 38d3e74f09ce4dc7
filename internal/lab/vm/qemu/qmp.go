package qemu

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// monitor is a connection to QEMU's machine protocol: one JSON object a line. The one library for it
// (digitalocean/go-qemu) brings libvirt's client along, for what is a page here.
type monitor struct {
	conn    net.Conn
	mu      sync.Mutex // one command at a time
	answers chan answer
	resets  chan struct{} // one for each reset of the machine
	ended   chan struct{}
}

type answer struct {
	Return json.RawMessage `json:"return"`
	Error  *struct {
		Class, Desc string
	} `json:"error"`
	Event string `json:"event"`
}

// dial connects to the socket, which QEMU makes as it starts.
func dial(ctx context.Context, path string, dead <-chan struct{}) (*monitor, error) {
	for {
		conn, err := net.Dial("unix", path)
		if err == nil {
			m := &monitor{conn: conn, answers: make(chan answer, 1), resets: make(chan struct{}, 64), ended: make(chan struct{})}
			go m.follow()
			return m, m.run(ctx, "qmp_capabilities", nil, nil)
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("connect to QEMU's monitor: %w", errors.Join(err, context.Cause(ctx)))
		case <-dead:
			return nil, errors.New("QEMU ended as it started")
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (m *monitor) follow() {
	defer close(m.ended)
	lines := bufio.NewScanner(m.conn)
	for lines.Scan() {
		var a answer
		if json.Unmarshal(lines.Bytes(), &a) != nil {
			continue
		}
		switch {
		case a.Event == "RESET":
			select {
			case m.resets <- struct{}{}:
			default: // nobody has looked for 64 boots
			}
		case a.Return != nil || a.Error != nil:
			m.answers <- a
		}
	}
}

// run gives a command and reads its answer into out, unless that is nil.
func (m *monitor) run(ctx context.Context, command string, args map[string]any, out any) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	text, err := json.Marshal(map[string]any{"execute": command, "arguments": args})
	if args == nil {
		text, err = json.Marshal(map[string]any{"execute": command})
	}
	if err != nil {
		return err
	}
	if _, err := m.conn.Write(append(text, '\n')); err != nil {
		return fmt.Errorf("QEMU: %s: %w", command, err)
	}
	select {
	case a := <-m.answers:
		if a.Error != nil {
			return fmt.Errorf("QEMU: %s: %s", command, a.Error.Desc)
		}
		if out == nil {
			return nil
		}
		return json.Unmarshal(a.Return, out)
	case <-m.ended:
		return fmt.Errorf("QEMU: %s: QEMU has ended", command)
	case <-ctx.Done():
		m.conn.Close() // a late answer would be taken for that of the next command
		return fmt.Errorf("QEMU: %s: no answer: %w", command, context.Cause(ctx))
	}
}
