package deletion

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"sigs.k8s.io/yaml"
)

// kubeconfig is what is used of one: as clientcmd has it, but for ways to log in that run a program. client-go would make the program
// half as large again, and it is pushed to hosts that may ail.
type kubeconfig struct {
	Current  string `json:"current-context"`
	Contexts []struct {
		Name    string `json:"name"`
		Context struct {
			Cluster string `json:"cluster"`
			User    string `json:"user"`
		} `json:"context"`
	} `json:"contexts"`
	Clusters []struct {
		Name    string  `json:"name"`
		Cluster cluster `json:"cluster"`
	} `json:"clusters"`
	Users []struct {
		Name string `json:"name"`
		User user   `json:"user"`
	} `json:"users"`
}

type cluster struct {
	Server     string `json:"server"`
	CAFile     string `json:"certificate-authority"`
	CA         []byte `json:"certificate-authority-data"`
	ServerName string `json:"tls-server-name"`
	Insecure   bool   `json:"insecure-skip-tls-verify"`
}

type user struct {
	CertFile  string `json:"client-certificate"`
	Cert      []byte `json:"client-certificate-data"`
	KeyFile   string `json:"client-key"`
	Key       []byte `json:"client-key-data"`
	Token     string `json:"token"`
	TokenFile string `json:"tokenFile"`
}

// answerLimit is how long the API server may take for one answer.
const answerLimit = 5 * time.Second

// server is an API server as a kubeconfig's context names it.
type server struct {
	url, token string
	shown      string // the url as it may be said
	http       *http.Client
}

// connect reads a kubeconfig; which is the context, "" the current one. No error quotes the file: it holds keys.
func connect(name, which string) (*server, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var cfg kubeconfig
	if yaml.Unmarshal(text, &cfg) != nil {
		return nil, fmt.Errorf("%s is no kubeconfig (its text, which may hold keys, is not shown)", name)
	}
	c, u, err := cfg.choose(cmp.Or(which, cfg.Current))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	security, err := c.security(u, filepath.Dir(name))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	at, err := url.Parse(strings.TrimSuffix(c.Server, "/"))
	if err != nil {
		return nil, fmt.Errorf("%s: the server of context %q is no URL (it is not shown: it may hold a password)", name, cmp.Or(which, cfg.Current))
	}
	s := &server{url: at.String(), shown: at.Redacted(), token: u.Token}
	if u.TokenFile != "" {
		text, err := os.ReadFile(beside(name, u.TokenFile))
		if err != nil {
			return nil, err
		}
		s.token = strings.TrimSpace(string(text))
	}
	s.http = &http.Client{Timeout: answerLimit, Transport: &http.Transport{TLSClientConfig: security}, // no proxy: it is this host's
		CheckRedirect: func(*http.Request, []*http.Request) error { return errors.New("the API server sends elsewhere") }}
	return s, nil
}

func beside(name, file string) string {
	if filepath.IsAbs(file) {
		return file
	}
	return filepath.Join(filepath.Dir(name), file)
}

func (k kubeconfig) choose(which string) (c cluster, u user, err error) {
	for _, x := range k.Contexts {
		if x.Name != which {
			continue
		}
		for _, l := range k.Clusters {
			if l.Name == x.Context.Cluster {
				c = l.Cluster
			}
		}
		for _, l := range k.Users {
			if l.Name == x.Context.User {
				u = l.User
			}
		}
		if c.Server == "" {
			return c, u, fmt.Errorf("context %q names no cluster with a server", which)
		}
		return c, u, nil
	}
	return c, u, fmt.Errorf("it has no context %q", which)
}

// security is how the server is known, and who asks.
func (c cluster) security(u user, folder string) (*tls.Config, error) {
	in := func(data []byte, file string) ([]byte, error) {
		if len(data) > 0 || file == "" {
			return data, nil
		}
		return os.ReadFile(beside(filepath.Join(folder, "x"), file))
	}
	ca, err := in(c.CA, c.CAFile)
	if err != nil {
		return nil, err
	}
	cert, err := in(u.Cert, u.CertFile)
	if err != nil {
		return nil, err
	}
	key, err := in(u.Key, u.KeyFile)
	if err != nil {
		return nil, err
	}
	out := &tls.Config{ServerName: c.ServerName, InsecureSkipVerify: c.Insecure}
	if len(ca) > 0 {
		out.RootCAs = x509.NewCertPool()
		if !out.RootCAs.AppendCertsFromPEM(ca) {
			return nil, errors.New("its certificate authority is no certificate")
		}
	}
	if len(cert) > 0 {
		pair, err := tls.X509KeyPair(cert, key)
		if err != nil {
			return nil, errors.New("its client certificate and key do not fit")
		}
		out.Certificates = []tls.Certificate{pair}
	}
	return out, nil
}
