package eoshost

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"bisc/internal/host"
)

// uploadWay is a way to bring much content into a file on flash that is there and is the login's. Which of them a switch has is found by
// trying [U]; that the content arrived whole its digest proves, whichever it was.
type uploadWay struct {
	name string
	send func(h *Host, ctx context.Context, file string, size int64, content io.Reader) error
}

// uploadWays are in the order in which they are tried; the console's pieces come behind them.
func uploadWays() []uploadWay {
	return []uploadWay{{"sftp", (*Host).bySFTP}, {"scp", (*Host).bySCP}, {"tee over exec", (*Host).byTee}}
}

// uploadRate is the least that one may bring a second before it counts as stuck, beside a minute.
const uploadRate = 128 << 10

// stream opens a channel on which a subsystem or a program runs; it ends with ctx.
func (h *Host) stream(ctx context.Context, kind, what string) (ssh.Channel, func(), error) {
	ch, reqs, err := h.conn.Session(ctx)
	if err != nil {
		return nil, nil, err
	}
	go ssh.DiscardRequests(reqs)
	hurried := h.conn.Hurry()
	stop := context.AfterFunc(ctx, func() { _ = ch.Close() })
	done := func() {
		stop()
		hurried()
		_ = ch.Close()
		_ = h.conn.Flush()
	}
	ok, err := ch.SendRequest(kind, true, ssh.Marshal(struct{ What string }{what}))
	if err == nil && !ok {
		err = errors.New("the switch has none")
	}
	if err != nil {
		done()
		return nil, nil, err
	}
	return ch, done, nil
}

func (h *Host) bySFTP(ctx context.Context, file string, size int64, content io.Reader) error {
	ch, done, err := h.stream(ctx, "subsystem", "sftp")
	if err != nil {
		return err
	}
	defer done()
	client, err := sftp.NewClientPipe(ch, ch, sftp.UseConcurrentWrites(true))
	if err != nil {
		return err
	}
	defer client.Close()
	f, err := client.OpenFile(file, os.O_WRONLY)
	if err != nil {
		return err
	}
	_, err = f.ReadFrom(content)
	return errors.Join(err, f.Close())
}

// bySCP is the far half of scp -O: netmiko copies so to /mnt/flash [V].
func (h *Host) bySCP(ctx context.Context, file string, size int64, content io.Reader) error {
	ch, done, err := h.stream(ctx, "exec", "scp -t "+host.Quote(file))
	if err != nil {
		return err
	}
	defer done()
	in := bufio.NewReader(ch)
	say := func(text string) error {
		if _, err := io.WriteString(ch, text); err != nil {
			return err
		}
		return taken(in)
	}
	if err := taken(in); err != nil {
		return err
	}
	if err := say(fmt.Sprintf("C0600 %d %s\n", size, path.Base(file))); err != nil {
		return err
	}
	if _, err := io.Copy(ch, content); err != nil {
		return err
	}
	return say("\x00")
}

// taken reads scp's answer: a byte 0, or 1 or 2 and a line that says why not.
func taken(in *bufio.Reader) error {
	b, err := in.ReadByte()
	if err != nil || b == 0 {
		return err
	}
	line, _ := in.ReadString('\n')
	return fmt.Errorf("it says %.200q", strings.TrimSpace(string(rune(b))+line))
}

// byTee runs tee as root, with the content as its input. It needs exec to be privileged [U]; a refusal comes as text, with status 0.
func (h *Host) byTee(ctx context.Context, file string, size int64, content io.Reader) error {
	ch, done, err := h.stream(ctx, "exec", "bash sudo -n tee "+host.Quote(file)+" >/dev/null")
	if err != nil {
		return err
	}
	defer done()
	refused := make(chan string, 1)
	go func() {
		b, _ := io.ReadAll(io.LimitReader(ch, 4096))
		refused <- firstLine(string(b))
	}()
	_, err = io.Copy(ch, content)
	if err == nil {
		err = ch.CloseWrite()
	}
	if why := <-refused; why != "" {
		return fmt.Errorf("it says %.200q", why)
	}
	return err
}

// upload brings content by one way, within a limit that grows with its size.
func (h *Host) upload(ctx context.Context, way uploadWay, file string, size int64, content io.Reader) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute+time.Duration(size/uploadRate)*time.Second)
	defer cancel()
	if err := way.send(h, ctx, file, size, content); err != nil {
		return fmt.Errorf("%s: %w", way.name, err)
	}
	return nil
}
