package front

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"
)

// EAPIAddresses is where the faces of eAPI listen when they are enabled (eos.md A.2). Listen makes the listener; nil is net.Listen.
type EAPIAddresses struct {
	HTTPS     string // "127.0.0.1:0"; "" has no such face
	LocalHTTP string
	Unix      string // a path; on a switch /var/run/command-api.sock
	Listen    func(network, address string) (net.Listener, error)
}

// EAPI says which faces of eAPI are enabled: what `management api http-commands` says, unless a test does.
type EAPI struct{ HTTPS, LocalHTTP, Unix bool }

// SetEAPI enables and disables the faces of eAPI.
func (f *Front) SetEAPI(want EAPI) error {
	a := f.opts.EAPI
	return errors.Join(
		f.face("https", want.HTTPS && a.HTTPS != "", "tcp", a.HTTPS),
		f.face("http", want.LocalHTTP && a.LocalHTTP != "", "tcp", a.LocalHTTP),
		f.face("unix", want.Unix && a.Unix != "", "unix", a.Unix))
}

// EAPIAddress is where a face ("https", "http", "unix") listens; nil: it does not.
func (f *Front) EAPIAddress(face string) net.Addr {
	f.mu.Lock()
	defer f.mu.Unlock()
	if l, ok := f.eapi[face].(net.Listener); ok {
		return l.Addr()
	}
	return nil
}

// face opens or closes one of them.
func (f *Front) face(name string, on bool, network, address string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	l := f.eapi[name]
	if on == (l != nil) {
		return nil
	}
	if !on {
		delete(f.eapi, name)
		return l.Close()
	}
	listen := f.opts.EAPI.Listen
	if listen == nil {
		listen = net.Listen
	}
	if network == "unix" {
		os.Remove(address) // of an earlier boot
	}
	opened, err := listen(network, address)
	if err != nil {
		return fmt.Errorf("open the switch's eAPI on %s: %w", name, err)
	}
	f.eapi[name] = opened
	f.wg.Go(func() { f.http(name, opened) })
	return nil
}

// http serves one face to its end.
func (f *Front) http(name string, l net.Listener) {
	l = linked{l, f}
	if name == "https" {
		cert, err := f.certificate()
		if err != nil {
			return
		}
		l = tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{*cert}, MinVersion: tls.VersionTLS12})
	}
	server := &http.Server{
		Handler:     f.handler(name == "https"),
		BaseContext: func(net.Listener) context.Context { return f.ctx },
		ReadTimeout: time.Minute,
	}
	stop := context.AfterFunc(f.ctx, func() { server.Close() })
	defer stop()
	server.Serve(l)
	server.Close()
}

// linked has each connection go through a link.
type linked struct {
	net.Listener
	front *Front
}

func (l linked) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return l.front.link(c), nil
}

// handler is nginx before CapiApp. asks: credentials are asked for; a unix socket and http on localhost ask none (eos.md A.1) [V].
func (f *Front) handler(asks bool) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/command-api", func(w http.ResponseWriter, r *http.Request) {
		user, ok := "root", true
		if asks {
			user, ok = f.user(r)
		}
		if !ok {
			unauthorized(w)
			return
		}
		f.commandAPI(w, r, user)
	})
	mux.HandleFunc("/login", f.login)
	mux.HandleFunc("/logout", f.logout)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !f.ill(w) {
			mux.ServeHTTP(w, r)
		}
	})
}

// ill answers in CapiApp's place when that is what is wrong.
func (f *Front) ill(w http.ResponseWriter) bool {
	faults := f.Faults()
	switch {
	case faults.HTTP == http.StatusUnauthorized:
		unauthorized(w)
	case faults.HTTP != 0:
		page(w, faults.HTTP, http.StatusText(faults.HTTP))
	case faults.HTML:
		page(w, http.StatusOK, "Welcome")
	default:
		return false
	}
	return true
}

// page is what nginx shows.
func page(w http.ResponseWriter, code int, title string) {
	w.Header().Set("Content-Type", "text/html")
	w.WriteHeader(code)
	fmt.Fprintf(w, "<html>\r\n<head><title>%d %s</title></head>\r\n<body>\r\n<center><h1>%d %s</h1></center>\r\n"+
		"<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n", code, title, code, title)
}

func unauthorized(w http.ResponseWriter) {
	w.Header().Set("WWW-Authenticate", `Basic realm="COMMAND_API_AUTH"`)
	page(w, http.StatusUnauthorized, "Unauthorized")
}
