package front

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
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

// Certificate is the switch's own, made at its first use: self-signed, as EOS makes it when none is configured (eos.md A.3, T4).
func (f *Front) Certificate() (*x509.Certificate, error) {
	c, err := f.certificate()
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(c.Certificate[0])
}

func (f *Front) certificate() (*tls.Certificate, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.cert != nil {
		return f.cert, nil
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make the switch's certificate: %w", err)
	}
	form := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "self.signed"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(10, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, form, form, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("make the switch's certificate: %w", err)
	}
	f.cert = &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	return f.cert, nil
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

// user gives whose request it is, by basic authentication or by a session's cookie.
func (f *Front) user(r *http.Request) (string, bool) {
	if c, err := r.Cookie("Session"); err == nil {
		f.mu.Lock()
		defer f.mu.Unlock()
		user, ok := f.cookies[c.Value]
		return user, ok
	}
	user, password, ok := r.BasicAuth()
	return user, ok && f.knows(user, password)
}

func (f *Front) knows(user, password string) bool {
	return f.opts.Password != nil && f.opts.Password(user, password)
}

// SamePassword compares without telling by its time how much is right.
func SamePassword(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// login opens a session: the answer sets its cookie (eos.md A.1) [V].
func (f *Front) login(w http.ResponseWriter, r *http.Request) {
	var who struct{ Username, Password string }
	err := json.NewDecoder(io.LimitReader(r.Body, 64<<10)).Decode(&who)
	if r.Method != http.MethodPost || err != nil || !f.knows(who.Username, who.Password) {
		unauthorized(w)
		return
	}
	session := rand.Text()
	f.mu.Lock()
	f.cookies[session] = who.Username
	f.mu.Unlock()
	http.SetCookie(w, &http.Cookie{Name: "Session", Value: session, Path: "/", HttpOnly: true, Secure: r.TLS != nil})
	io.WriteString(w, "Logged in successfully")
}

// logout ends it.
func (f *Front) logout(w http.ResponseWriter, r *http.Request) {
	if c, err := r.Cookie("Session"); err == nil {
		f.mu.Lock()
		delete(f.cookies, c.Value)
		f.mu.Unlock()
	}
	http.SetCookie(w, &http.Cookie{Name: "Session", Path: "/", MaxAge: -1})
	io.WriteString(w, "Logged out successfully")
}

// EndEAPISessions forgets all cookies, as when their time is over.
func (f *Front) EndEAPISessions() {
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.cookies)
}
