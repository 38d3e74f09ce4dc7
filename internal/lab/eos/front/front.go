package front

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"
)

// Options says what stands behind the faces. Open, HostKey and Authorized are needed.
type Options struct {
	// Open opens a CLI context for a user on a tty such as "vty5".
	Open func(user, tty string) Shell
	// Bash runs a command as `bash -c` does, as the user, and gives its exit status. A stdin that is a file is the command's own.
	Bash func(ctx context.Context, user, command string, stdin io.Reader, stdout, stderr io.Writer) int
	// Dial reaches what the device itself can reach, for forwarded connections; nil is net.Dialer's.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	HostKey    ssh.Signer
	Authorized func(user string, key ssh.PublicKey) bool
	// Password says whether eAPI takes a password; nil takes none. SSH takes none ever (eos.md 1: public-key only) [V].
	Password func(user, password string) bool

	// LoginBanner is shown before the login, Motd after it; nil is none. Both may change while the device runs.
	LoginBanner, Motd func() string
	// SFTP serves the subsystem on a channel; nil is pkg/sftp's server in this process, which begins in the folder Home.
	SFTP func(ctx context.Context, user string, channel io.ReadWriteCloser) error
	Home string
	// EAPI is where the faces of eAPI listen once they are enabled.
	EAPI EAPIAddresses
}

// Front is the faces of one device.
type Front struct {
	opts Options
	log  Log
	ctx  context.Context // until Close
	stop context.CancelFunc
	wg   sync.WaitGroup
	ids  atomic.Int64 // of connections and sessions

	mu        sync.Mutex
	access    Access
	faults    Faults
	trips     []*trip
	released  chan struct{} // closed by Release
	links     map[*link]bool
	listeners map[io.Closer]bool
	eapi      map[string]io.Closer
	cert      *tls.Certificate
	cookies   map[string]string // session: user
}

// New makes the faces; nothing listens yet.
func New(opts Options) (*Front, error) {
	if opts.Open == nil || opts.HostKey == nil || opts.Authorized == nil {
		return nil, errors.New("the switch's faces need Open, HostKey and Authorized")
	}
	if opts.Dial == nil {
		opts.Dial = (&net.Dialer{Timeout: 10 * time.Second}).DialContext
	}
	f := &Front{
		opts: opts, access: DefaultAccess(), released: make(chan struct{}),
		links: map[*link]bool{}, listeners: map[io.Closer]bool{}, eapi: map[string]io.Closer{}, cookies: map[string]string{},
	}
	f.ctx, f.stop = context.WithCancel(context.Background())
	return f, nil
}

// Close cuts everything and waits until all that the faces started has ended.
func (f *Front) Close() {
	f.stop()
	f.mu.Lock()
	for l := range f.listeners {
		l.Close()
	}
	for _, l := range f.eapi {
		l.Close()
	}
	f.mu.Unlock()
	f.CutAll()
	f.wg.Wait()
}

// Log is what was received since the start, or since it was last forgotten.
func (f *Front) Log() *Log { return &f.log }

// Access gives what the device lets in.
func (f *Front) Access() Access {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.access
}

// SetAccess changes it, for what comes from now on.
func (f *Front) SetAccess(a Access) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.access = a
}

// serve has accept called for each connection of a listener, in a goroutine, until the listener or the front is closed.
func (f *Front) serve(l net.Listener, accept func(*link)) error {
	f.mu.Lock()
	f.listeners[l] = true
	f.mu.Unlock()
	for {
		c, err := l.Accept()
		if err != nil {
			if f.ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
				return nil
			}
			return err
		}
		k := f.link(c)
		f.wg.Go(func() {
			defer k.Close()
			accept(k)
		})
	}
}
