package fetch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"bisc/hostbin/snapshots"
)

// ariaArgs is aria2c's command line. It resumes nothing: pieces of several mirrors resumed from others have been seen to make
// damaged files. Its own configuration is not read.
func (f *fetcher) ariaArgs(part string, offers []offer) []string {
	args := []string{
		"--no-conf=true", "--file-allocation=none", "--continue=false", "--auto-file-renaming=false", "--allow-overwrite=true",
		"--max-connection-per-server=16", "--split=" + strconv.Itoa(16*len(offers)), "--min-split-size=50M", "--max-tries=3", "--retry-wait=5", "--timeout=60", "--connect-timeout=10",
		"--console-log-level=error", "--summary-interval=0", "--download-result=hide", "--follow-metalink=false", "--follow-torrent=false",
		"--stop-with-process=" + strconv.Itoa(os.Getpid()), "--dir=" + filepath.Dir(part), "--out=" + filepath.Base(part),
	}
	if f.order.Cap > 0 {
		args = append(args, "--max-overall-download-limit="+strconv.FormatInt(f.order.Cap, 10))
	}
	if f.order.From != "" {
		args = append(args, "--interface="+f.order.From)
	}
	for _, o := range offers {
		args = append(args, o.URL)
	}
	return args
}

// byAria downloads from several sources at once, and checks the file afterwards.
func (f *fetcher) byAria(ctx context.Context, a snapshots.Archive, part string, offers []offer) error {
	if err := drop(part, part+".json", part+".aria2"); err != nil {
		return fmt.Errorf("%w: %w", errHere, err)
	}
	f.say.Note("%s: %d sources serve it with ranges: aria2c takes it from all of them", a.Name(), len(offers))
	f.say.Doing("downloading", a.Name(), 0, offers[0].Length)
	if err := f.runAria(ctx, part, offers); err != nil {
		return errors.Join(err, drop(part, part+".aria2"))
	}
	if _, err := os.Stat(part + ".aria2"); !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(fmt.Errorf("aria2c left its control file: it was not done (%v)", err), drop(part, part+".aria2"))
	}
	file, err := os.Open(part)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if info.Size() != offers[0].Length {
		return errors.Join(fmt.Errorf("aria2c left %d bytes of %d", info.Size(), offers[0].Length), drop(part))
	}
	f.say.Doing("checking", a.Name(), 0, info.Size())
	if err := Verify(&counted{file, f.say, 0}, a); err != nil {
		return errors.Join(err, drop(part))
	}
	return nil
}

func (f *fetcher) runAria(ctx context.Context, part string, offers []offer) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	cmd := exec.CommandContext(ctx, f.order.Aria, f.ariaArgs(part, offers)...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	var had int64
	moved := time.Now()
	for {
		select {
		case err := <-ended:
			if cause := context.Cause(ctx); cause != nil {
				return cause
			}
			if err != nil {
				return fmt.Errorf("aria2c: %w: %.300s", err, bytes.TrimSpace(said.Bytes()))
			}
			return nil
		case <-time.After(500 * time.Millisecond):
		}
		if bytes := written(part); bytes != had {
			had, moved = bytes, time.Now()
			f.say.At(bytes)
		} else if time.Since(moved) > f.order.Stall+60*time.Second { // its own timeout comes first
			cancel(fmt.Errorf("%w: no byte in %s", errStall, time.Since(moved).Round(time.Second)))
		}
	}
}

// written is how many bytes of a file have been written: aria2c writes in many places, and its length says little.
func written(name string) int64 {
	info, err := os.Stat(name)
	if err != nil {
		return 0
	}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return min(st.Blocks*512, info.Size())
	}
	return info.Size()
}

// counted tells the progress of a reading.
type counted struct {
	file *os.File
	say  *Progress
	at   int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.file.Read(p)
	c.at += int64(n)
	c.say.At(c.at)
	return n, err
}
