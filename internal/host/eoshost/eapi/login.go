package eapi

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
)

// cookie is that of the session, as it is sent.
func (c *Client) cookie() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.session
}

// forget drops a session that has ended, unless another request has made a new one since.
func (c *Client) forget(was string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.session == was {
		c.session = ""
	}
}

// login makes a session, which saves the switch from asking its AAA servers anew for each request [V].
func (c *Client) login(ctx context.Context) error {
	if c.cookie() != "" { // another request was faster
		return nil
	}
	password := ""
	if c.cfg.Password != nil {
		var err error
		if password, err = c.cfg.Password(ctx); err != nil {
			return err
		}
	}
	c.keepSecret(password)
	body, err := json.Marshal(map[string]string{"username": c.cfg.User, "password": password})
	if err != nil {
		return err
	}
	resp, err := c.post(ctx, "/login", body)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return badStatus(resp)
	}
	for _, cookie := range resp.Cookies() {
		if cookie.Name == "Session" && cookie.Value != "" {
			c.mu.Lock()
			c.session = cookie.Name + "=" + cookie.Value
			c.secrets.add(cookie.Value)
			c.mu.Unlock()
			return nil
		}
	}
	return &TransportError{Err: errors.New("/login gave no session")}
}
