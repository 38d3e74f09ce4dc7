package sshhost

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/pkg/sftp"

	"bisc/internal/host"
)

// sftpServers are where the distributions keep it: Debian, RHEL, SUSE and Arch, Alpine.
func sftpServers() []string {
	return []string{"/usr/lib/openssh/sftp-server", "/usr/libexec/openssh/sftp-server", "/usr/lib/ssh/sftp-server", "/usr/libexec/sftp-server"}
}

// pushRate is the least that a push may take a second before it counts as stuck, beside the limit of every step.
const pushRate = 1 << 20

// push writes a large file: by sftp, run as root at the far end of the channel, into the temporary file of a put that
// waits for it; or through the put's own input where the host has no sftp-server.
func (w *Writer) push(ctx context.Context, p host.Push) error {
	server, err := w.sftpServer(ctx)
	if err != nil {
		return fmt.Errorf("push %s: %w", p.Path, err)
	}
	size := elsewhere
	if server == "" {
		size = int(p.Size)
	}
	r, err := w.putRequest(p.Path, size, p.Mode, p.UID, p.GID, "", p.Digest, keeping{}, nil, nil) // a large file comes from somewhere, and is not kept
	if err != nil {
		return err
	}
	r.step, r.note = true, w.note(ctx)
	r.limit += time.Duration(p.Size/pushRate) * time.Second
	src, err := p.Source()
	if err != nil {
		return fmt.Errorf("push %s: %w", p.Path, err)
	}
	defer src.Close()
	temp := tempPath(r)
	far, err := w.channel().farEnd(ctx)
	if err != nil {
		return err
	}
	if server == "" {
		err = far.pour(ctx, r, src)
	} else {
		err = far.push(ctx, r, func() error { return w.sftp(ctx, server, temp, src, p.Size) })
	}
	if err != nil {
		return fmt.Errorf("push %s: %w", p.Path, err)
	}
	a, err := r.wait(ctx)
	return putVerdict(p.Path, nil, *a, err)
}

// sftpServer gives the path of the host's sftp-server, or nothing.
func (w *Writer) sftpServer(ctx context.Context) (string, error) {
	paths := sftpServers()
	there := make([]bool, len(paths))
	var questions []func(context.Context) error
	for i, name := range paths {
		questions = append(questions, func(ctx context.Context) error {
			_, err := w.Stat(ctx, name)
			there[i] = err == nil
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			return err
		})
	}
	if err := host.Ask(ctx, questions...); err != nil {
		return "", err
	}
	for i, name := range paths {
		if there[i] {
			return name, nil
		}
	}
	return "", nil
}

// sftp writes src into the file temp, which is there. Many writes are under way at a time, so a failed one leaves holes:
// the put's digest is what tells.
func (w *Writer) sftp(ctx context.Context, server, temp string, src io.Reader, size int64) error {
	s, err := w.channel().stream(ctx, server)
	if err != nil {
		return err
	}
	defer s.Close()
	stop := context.AfterFunc(ctx, func() { _ = s.Close() })
	defer stop()
	client, err := sftp.NewClientPipe(s, s, sftp.UseConcurrentWrites(true), sftp.MaxConcurrentRequestsPerFile(64))
	if err != nil {
		return fmt.Errorf("start sftp: %w", err)
	}
	defer client.Close()
	f, err := client.OpenFile(temp, os.O_WRONLY)
	if err != nil {
		return fmt.Errorf("sftp: open %s: %w", temp, err)
	}
	n, err := f.ReadFromWithConcurrency(io.LimitReader(src, size+1), 64)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil && n != size {
		err = fmt.Errorf("the source has %d bytes, not %d", n, size)
	}
	if err != nil {
		return fmt.Errorf("sftp: write %s: %w", temp, err)
	}
	return nil
}

// push starts the put, waits until its temporary file is made, has it written, and lets the put go on. A put whose
// input ends without the word removes the temporary file.
func (a *agent) push(ctx context.Context, r *request, write func() error) error {
	made := make(chan struct{}, 1)
	r.grow = func([]byte) {
		select {
		case made <- struct{}{}:
		default:
		}
	}
	a.send([]*request{r})
	f := a.feedOf(r)
	select {
	case <-made:
	case <-r.done:
		return r.ans.err // the put's own answer tells why
	case <-ctx.Done():
		a.cancel(r)
		return context.Cause(ctx)
	}
	err := write()
	if err == nil {
		err = f.add([]byte("g"))
	}
	a.flow(f)
	f.finish()
	a.flow(f)
	return err
}

// pour gives src to the put as its input, as fast as the far end takes it.
func (a *agent) pour(ctx context.Context, r *request, src io.Reader) error {
	r.grow = func([]byte) {}
	a.send([]*request{r})
	f := a.feedOf(r)
	stop := context.AfterFunc(ctx, func() { a.cancel(r) })
	defer stop()
	for b := make([]byte, chunk); ; {
		n, err := src.Read(b)
		if n > 0 {
			if err := f.add(b[:n]); err != nil {
				return nil // the put's own answer tells why
			}
			a.flow(f)
		}
		if err != nil {
			f.finish()
			a.flow(f)
			if err == io.EOF {
				return nil
			}
			return err
		}
	}
}
