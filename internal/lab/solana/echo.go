package solana

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"time"
)

// An ip_echo request is four zero bytes, four TCP and four UDP ports as little endian numbers of 16 bits, and a line's end; its answer
// four zero bytes, the caller's address and the shred version as bincode has them, filled up with zeros (solana.md B, E).
const (
	echoRequest = 4 + 8 + 8 + 1
	echoAnswer  = 27
)

// echoLimit is how long a caller may take.
const echoLimit = 5 * time.Second

func (c *Cluster) serveEcho(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			err := c.echo(conn)
			said := Request{Node: -1, Method: "ip_echo", Path: conn.RemoteAddr().String(), Status: 200}
			if err != nil {
				said.Status = 500
			}
			c.note(said)
		}()
	}
}

// echo answers once the caller's ports were reached: TCP by a connection, UDP by a byte that is sent. A TCP port that does not answer
// ends the connection without an answer, as agave does it.
func (c *Cluster) echo(conn net.Conn) error {
	if err := conn.SetDeadline(time.Now().Add(echoLimit)); err != nil {
		return err
	}
	asked := make([]byte, echoRequest)
	if _, err := io.ReadFull(conn, asked); err != nil {
		return err
	}
	if binary.LittleEndian.Uint32(asked) != 0 || asked[echoRequest-1] != '\n' {
		return errors.New("no ip_echo request")
	}
	from, err := netip.ParseAddrPort(conn.RemoteAddr().String())
	if err != nil {
		return err
	}
	seen := from.Addr().Unmap()
	if c.opts.Seen.IsValid() {
		seen = c.opts.Seen
	}
	for i := range 8 {
		port := binary.LittleEndian.Uint16(asked[4+2*i:])
		if port == 0 {
			continue
		}
		if err := c.reach(seen, port, i < 4); err != nil {
			return err
		}
	}
	answer := make([]byte, 8, echoAnswer)
	ip := seen.As4()
	answer = append(answer, ip[:]...)
	answer = append(answer, 1)
	answer = binary.LittleEndian.AppendUint16(answer, c.opts.ShredVersion)
	_, err = conn.Write(answer[:echoAnswer])
	return err
}

func (c *Cluster) reach(to netip.Addr, port uint16, tcp bool) error {
	network := "udp4"
	if tcp {
		network = "tcp4"
	}
	return c.inNetwork(func() error {
		conn, err := net.DialTimeout(network, fmt.Sprintf("%s:%d", to, port), 2*time.Second)
		if err != nil {
			return err
		}
		if !tcp {
			_, err = conn.Write([]byte{0})
		}
		return errors.Join(err, conn.Close())
	})
}
