// Package kubeapi is the few requests to a Kubernetes API that the stand-ins make, over net/http with a kubeconfig's certificates.
package kubeapi

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"sigs.k8s.io/yaml"
)

// Object is an object as the API has it.
type Object = map[string]any

// Client asks one API server.
type Client struct {
	server string
	http   *http.Client
}

// Error is an answer that is none of success.
type Error struct {
	Code         int
	Reason, Body string
}

// Error is worded as Python's client words it, as laconic-so's output has it.
func (e *Error) Error() string {
	return fmt.Sprintf("kubernetes.client.exceptions.ApiException: (%d)\nReason: %s\nHTTP response body: %s", e.Code, e.Reason, e.Body)
}

type kubeconfig struct {
	Clusters []struct {
		Name    string
		Cluster struct {
			Server string
			CA     []byte `json:"certificate-authority-data"`
		}
	}
	Users []struct {
		Name string
		User struct {
			Cert []byte `json:"client-certificate-data"`
			Key  []byte `json:"client-key-data"`
		}
	}
	Contexts []struct {
		Name    string
		Context struct{ Cluster, User string }
	}
}

// New is a client of a context in a kubeconfig file.
func New(file, context string) (*Client, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var k kubeconfig
	if err := yaml.Unmarshal(text, &k); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	for _, c := range k.Contexts {
		if c.Name != context {
			continue
		}
		return k.client(c.Context.Cluster, c.Context.User)
	}
	return nil, fmt.Errorf("kubernetes.config.config_exception.ConfigException: Invalid kube-config file. Expected object with name %s in %s/contexts list", context, file)
}

func (k kubeconfig) client(cluster, user string) (*Client, error) {
	c := &Client{}
	config := &tls.Config{RootCAs: x509.NewCertPool()}
	for _, one := range k.Clusters {
		if one.Name == cluster {
			c.server = one.Cluster.Server
			config.RootCAs.AppendCertsFromPEM(one.Cluster.CA)
		}
	}
	for _, one := range k.Users {
		if one.Name != user {
			continue
		}
		pair, err := tls.X509KeyPair(one.User.Cert, one.User.Key)
		if err != nil {
			return nil, fmt.Errorf("user %s: %w", user, err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	c.http = &http.Client{Timeout: time.Minute, Transport: &http.Transport{TLSClientConfig: config}}
	return c, nil
}

// Do sends a request; body and into may be nil.
func (c *Client) Do(method, path string, body, into any) error {
	var in io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return err
		}
		in = bytes.NewReader(text)
	}
	r, err := http.NewRequest(method, c.server+path, in)
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := c.http.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode/100 != 2 {
		return &Error{answer.StatusCode, http.StatusText(answer.StatusCode), string(text)}
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(text, into)
}
