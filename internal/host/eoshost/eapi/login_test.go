package eapi

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// loggedIn is an eAPI with sessions: each login ends the one before.
type loggedIn struct {
	mu     sync.Mutex
	number int
	deny   bool
}

func (l *loggedIn) answer(w http.ResponseWriter, _ *http.Request, a asked) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case a.path == "/login" && (l.deny || !strings.Contains(a.body, `"password":"p w"`)):
		w.WriteHeader(http.StatusUnauthorized)
	case a.path == "/login":
		l.number++
		http.SetCookie(w, &http.Cookie{Name: "Session", Value: fmt.Sprintf("s%d", l.number), Path: "/"})
	case a.path == "/logout":
	case a.cookie != fmt.Sprintf("Session=s%d", l.number) || l.number == 0:
		w.WriteHeader(http.StatusUnauthorized)
	default:
		results(w, a, `{"a":1}`)
	}
}

func (l *loggedIn) expire() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.number++
}

func TestLogin(t *testing.T) {
	t.Parallel()
	l := &loggedIn{}
	s, h := handler(t, l.answer)
	s.Server = httptest.NewTLSServer(h)
	defer s.Server.Close()
	c := client(t, s, Config{Mode: HTTPS, URL: "https://example.com", User: "u", Password: password("p w"), TLSPin: pinOf(s)})
	ask := func() error {
		_, err := c.Ask(t.Context(), false, "show version")
		return err
	}
	if err := errors.Join(ask(), ask()); err != nil {
		t.Fatal(err)
	}
	paths := func() (out string) {
		for _, a := range s.asked() {
			out += a.path + " "
		}
		return out
	}
	if got, want := paths(), "/login /command-api /command-api "; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	l.expire() // long runs outlive their session
	if err := ask(); err != nil {
		t.Error(err)
	}
	l.mu.Lock()
	l.deny, l.number = true, 99
	l.mu.Unlock()
	if err := ask(); !errors.Is(err, ErrLogin) || strings.Contains(err.Error(), "p w") {
		t.Errorf("%v", err)
	}
	l.mu.Lock()
	l.deny = false
	l.mu.Unlock()
	if err := ask(); err != nil {
		t.Error(err)
	}
	c.Close()
	if got := paths(); !strings.HasSuffix(got, "/login /command-api /logout ") {
		t.Error(got)
	}
}
