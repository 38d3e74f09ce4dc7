package daemon

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	systemd "github.com/coreos/go-systemd/v22/daemon"
	"golang.org/x/sys/unix"
)

const (
	drainLimit  = 5 * time.Second // from SIGTERM until a Run that does not return is given up
	memoryLimit = 40 << 20        // of the Go heap and stacks; rings and socket buffers are the kernel's
)

// serve runs the daemon until it ends by itself, SIGTERM or SIGINT come, or --once has its answer.
func serve(c Command, set *settings, stdout, stderr io.Writer) error {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit)
	}
	signal.Ignore(syscall.SIGPIPE) // a journal that restarts must not take the daemon along
	s := &Service{Log: newLog(c.Name, stderr), Out: stdout, Once: set.once, registry: newRegistry(c.Name)}
	var err error
	if s.sockets, err = handed(c.Sockets); err != nil {
		return err
	}
	if s.stop, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return fmt.Errorf("opening an eventfd: %w", err)
	}
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer cancel()
	if set.once {
		ctx, cancel = context.WithTimeout(ctx, set.limit)
		defer cancel()
	}
	go s.reloads(ctx)
	go s.watch(ctx)
	if set.metrics != "" && !set.once {
		go s.listen(ctx, set.metrics)
	}
	return s.await(ctx, c)
}

// await runs the daemon until it returns, and gives it the drain limit once the context has ended.
func (s *Service) await(ctx context.Context, c Command) error {
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx, s) }()
	select {
	case err := <-done:
		s.notify(systemd.SdNotifyStopping)
		return quiet(ctx, err)
	case <-ctx.Done():
	}
	s.notify(systemd.SdNotifyStopping)
	unix.Write(s.stop, []byte{1, 0, 0, 0, 0, 0, 0, 0}) // an eventfd takes any non-zero 64-bit count
	select {
	case err := <-done:
		return quiet(ctx, err)
	case <-time.After(drainLimit):
		return fmt.Errorf("still not drained %v after the stop; packets in the sockets are left there", drainLimit)
	}
}

// quiet drops an error that only says that the daemon was told to stop.
func quiet(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// reloads answers SIGHUP.
func (s *Service) reloads(ctx context.Context) {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	for {
		select {
		case <-ctx.Done():
			return
		case <-hup:
		}
		s.mu.Lock()
		reload := s.reload
		s.mu.Unlock()
		if reload == nil {
			s.Log.Warn("SIGHUP changes nothing here; restart to read the settings again")
			continue
		}
		s.notify(systemd.SdNotifyReloading + "\n" + systemd.SdNotifyMonotonicUsec())
		if err := reload(); err != nil {
			s.Log.Error("reload failed, going on as before", "err", err)
		}
		s.notify(systemd.SdNotifyReady)
	}
}
