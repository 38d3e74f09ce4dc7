package front

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"io"
	"net/http"
)

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
