package vm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/crypto/ssh"

	"bisc/internal/lab/rootfs"
)

// dial opens an SSH connection as root. Each attempt has a limit of its own: QEMU takes a connection for a guest that does
// not answer yet, and says nothing.
func (m *Machine) dial(ctx context.Context) (*ssh.Client, error) {
	text, err := os.ReadFile(rootfs.KeyFile())
	if err != nil {
		return nil, fmt.Errorf("read the lab's key: %w", err)
	}
	signer, err := ssh.ParsePrivateKey(text)
	if err != nil {
		return nil, fmt.Errorf("read the lab's key: %w", err)
	}
	hostKey, _, _, _, err := ssh.ParseAuthorizedKey([]byte(m.image.HostKey))
	if err != nil {
		return nil, fmt.Errorf("read the virtual machine's host key: %w", err)
	}
	limit := time.Now().Add(20 * time.Second)
	conn, err := (&net.Dialer{Deadline: limit}).DialContext(ctx, "tcp", m.Dial())
	if err != nil {
		return nil, err
	}
	conn.SetDeadline(limit)
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	c, channels, requests, err := ssh.NewClientConn(conn, m.Dial(), &ssh.ClientConfig{
		User: "root", Auth: []ssh.AuthMethod{ssh.PublicKeys(signer)}, HostKeyCallback: ssh.FixedHostKey(hostKey),
	})
	if err != nil {
		conn.Close()
		return nil, err
	}
	conn.SetDeadline(time.Time{})
	return ssh.NewClient(c, channels, requests), nil
}

// connected is the machine's connection, made when there is none.
func (m *Machine) connected(ctx context.Context) (*ssh.Client, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.client != nil {
		return m.client, nil
	}
	client, err := m.dial(ctx)
	if err == nil {
		m.client = client
	}
	return client, err
}

// disconnect forgets the connection: the guest that it led to is gone.
func (m *Machine) disconnect() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.client != nil {
		m.client.Close()
		m.client = nil
	}
}

// waitSSH returns when sshd has let us in.
func (m *Machine) waitSSH(ctx context.Context) error {
	for {
		_, err := m.connected(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("sshd does not answer: %w; %w", context.Cause(ctx), err)
		case <-m.process.Ended():
			return fmt.Errorf("QEMU has ended: %s", m.process.Said())
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// Exec runs a program as root in the machine, over a connection that is kept. It returns standard output; a failure's error
// has standard error.
func (m *Machine) Exec(ctx context.Context, argv ...string) ([]byte, error) {
	return m.Feed(ctx, nil, argv...)
}

// Shell runs a script with sh -e; args are its $1 and following.
func (m *Machine) Shell(ctx context.Context, script string, args ...string) ([]byte, error) {
	return m.Exec(ctx, append([]string{"sh", "-e", "-c", script, "sh"}, args...)...)
}

// Install writes a program to a path of the machine. It goes there packed: sshd takes seconds there to decrypt a megabyte.
func (m *Machine) Install(ctx context.Context, program io.Reader, path string) error {
	var packed bytes.Buffer
	pack, err := zstd.NewWriter(&packed)
	if err != nil {
		return err
	}
	if _, err := io.Copy(pack, program); err != nil {
		return fmt.Errorf("pack %s: %w", path, err)
	}
	if err := pack.Close(); err != nil {
		return fmt.Errorf("pack %s: %w", path, err)
	}
	_, err = m.Feed(ctx, &packed, "sh", "-e", "-c", `zstd -dcq >"$1.new"; chmod 755 "$1.new"; mv "$1.new" "$1"`, "sh", path)
	return err
}

// Forward listens in the machine, which reaches nobody, and connects what connects there to what to gives: network is tcp (of its
// loopback) or unix. It ends with the machine's connection, as at a reboot.
func (m *Machine) Forward(ctx context.Context, network, address string, to func() (net.Conn, error)) error {
	client, err := m.connected(ctx)
	if err != nil {
		return fmt.Errorf("virtual machine: %w", err)
	}
	at, err := client.Listen(network, address)
	if err != nil {
		return fmt.Errorf("virtual machine: listen at %s: %w", address, err)
	}
	go func() {
		for {
			near, err := at.Accept()
			if err != nil {
				return // the connection has ended
			}
			go join(near, to)
		}
	}()
	return nil
}

// join carries a connection until an end of it closes. Where there is no other end it closes at once.
func join(near net.Conn, to func() (net.Conn, error)) {
	defer near.Close()
	far, err := to()
	if err != nil {
		return
	}
	defer far.Close()
	over := make(chan struct{}, 2)
	for _, way := range [][2]net.Conn{{near, far}, {far, near}} {
		go func() {
			io.Copy(way[0], way[1])
			over <- struct{}{}
		}()
	}
	<-over
}

// Feed is Exec of a program that reads in; nil is nothing to read.
func (m *Machine) Feed(ctx context.Context, in io.Reader, argv ...string) ([]byte, error) {
	client, err := m.connected(ctx)
	if err != nil {
		return nil, fmt.Errorf("virtual machine: %w", err)
	}
	session, err := client.NewSession()
	if err != nil {
		m.disconnect() // it may live no more; the next call makes another
		return nil, fmt.Errorf("virtual machine: %w", err)
	}
	defer session.Close()
	stop := context.AfterFunc(ctx, func() { session.Close() })
	defer stop()
	var out, errs bytes.Buffer
	session.Stdin, session.Stdout, session.Stderr = in, &out, &errs
	words := make([]string, len(argv))
	for i, word := range argv {
		words[i] = "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
	}
	if err := session.Run(strings.Join(words, " ")); err != nil {
		return out.Bytes(), fmt.Errorf("virtual machine: %s: %w: %s", strings.Join(argv, " "), errors.Join(err, ctx.Err()), bytes.TrimSpace(errs.Bytes()))
	}
	return out.Bytes(), nil
}
