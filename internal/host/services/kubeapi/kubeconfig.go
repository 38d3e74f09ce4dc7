package kubeapi

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	api "k8s.io/client-go/tools/clientcmd/api"

	"bisc/internal/host"
)

// source is what a way to an API server was made of: the kubeconfig and the files that it names, by path on the host.
type source map[string][sha256.Size]byte

// unusable is a kubeconfig from which no way to an API server can be made.
func unusable(name, format string, args ...any) error {
	return fmt.Errorf("kubeconfig %s: %w: %w", name, host.ErrUnasked, fmt.Errorf(format, args...))
}

// load reads a kubeconfig on the host, and what it names. Nothing is read on this machine: a path in it is one of the host's.
func (a *API) load(ctx context.Context, name, which string) (*rest.Config, source, error) {
	from := source{}
	text, err := a.read(ctx, name)
	if err != nil {
		return nil, nil, unread(name, err)
	}
	from[name] = sha256.Sum256(text)
	cfg, err := clientcmd.Load(text)
	if err != nil { // the error may quote it, and it holds keys
		return nil, nil, unusable(name, "it is no kubeconfig (its text, which may hold keys, is not shown)")
	}
	if which == "" {
		which = cfg.CurrentContext
	}
	if err := chosen(cfg, name, which); err != nil {
		return nil, nil, err
	}
	if err := a.inline(ctx, cfg, name, which, from); err != nil {
		return nil, nil, err
	}
	out, err := clientcmd.NewNonInteractiveClientConfig(*cfg, which, nil, nil).ClientConfig()
	if err != nil {
		return nil, nil, unusable(name, "context %q: %w", which, err)
	}
	out.UserAgent = "bisc"
	out.QPS = -1 // all that is asked at once goes at once
	return out, from, nil
}

// unread is a file that could not be read. That it is not there is no answer about any object.
func unread(name string, err error) error {
	if errors.Is(err, host.ErrUnreachable) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return unusable(name, "%v", err)
}

// chosen refuses contexts that are not there, and ways to log in that would run a program.
func chosen(cfg *api.Config, name, which string) error {
	c := cfg.Contexts[which]
	if c == nil {
		return unusable(name, "it has no context %q: it has %s", which, strings.Join(slices.Sorted(maps.Keys(cfg.Contexts)), ", "))
	}
	cluster, user := cfg.Clusters[c.Cluster], cfg.AuthInfos[c.AuthInfo]
	switch {
	case cluster == nil:
		return unusable(name, "context %q is of a cluster %q, which it does not have", which, c.Cluster)
	case cluster.ProxyURL != "":
		return unusable(name, "cluster %q is behind a proxy (proxy-url), which bisc does not use: it dials from the host itself", c.Cluster)
	case user == nil:
		return nil // an API server without logins
	case user.Exec != nil:
		return unusable(name, "user %q logs in by running a program (exec: %s), which bisc does not do: give the user a certificate or a token", c.AuthInfo, user.Exec.Command)
	case user.AuthProvider != nil:
		return unusable(name, "user %q logs in by an auth-provider (%s), which bisc does not do: give the user a certificate or a token", c.AuthInfo, user.AuthProvider.Name)
	}
	return nil
}

// inline reads the files that the context's cluster and user name, and puts their content in their place.
func (a *API) inline(ctx context.Context, cfg *api.Config, name, which string, from source) error {
	c := cfg.Contexts[which]
	type named struct {
		file *string
		put  func([]byte)
	}
	var files []named
	if cluster := cfg.Clusters[c.Cluster]; cluster != nil {
		files = append(files, named{&cluster.CertificateAuthority, func(b []byte) { cluster.CertificateAuthorityData = b }})
	}
	if user := cfg.AuthInfos[c.AuthInfo]; user != nil {
		files = append(files, named{&user.ClientCertificate, func(b []byte) { user.ClientCertificateData = b }},
			named{&user.ClientKey, func(b []byte) { user.ClientKeyData = b }},
			named{&user.TokenFile, func(b []byte) { user.Token = strings.TrimSpace(string(b)) }})
	}
	texts := make([][]byte, len(files))
	var questions []func(context.Context) error
	for i, f := range files {
		if *f.file == "" {
			continue
		}
		if !path.IsAbs(*f.file) { // as kubectl has it: relative to the kubeconfig
			*f.file = path.Join(path.Dir(name), *f.file)
		}
		questions = append(questions, func(ctx context.Context) (err error) {
			if texts[i], err = a.read(ctx, *f.file); err != nil {
				return unread(name, fmt.Errorf("it names %s: %w", *f.file, err))
			}
			return nil
		})
	}
	if err := host.Ask(ctx, questions...); err != nil {
		return err
	}
	for i, f := range files {
		if *f.file != "" {
			from[*f.file] = sha256.Sum256(texts[i])
			f.put(texts[i])
			*f.file = ""
		}
	}
	return nil
}

// same tells whether what a way was made of is still what is on the host.
func (a *API) same(ctx context.Context, from source) (bool, error) {
	same := make([]bool, len(from))
	var questions []func(context.Context) error
	for i, name := range slices.Sorted(maps.Keys(from)) {
		questions = append(questions, func(ctx context.Context) error {
			text, err := a.read(ctx, name)
			same[i] = err == nil && sha256.Sum256(text) == from[name]
			if errors.Is(err, host.ErrUnreachable) {
				return err
			}
			return nil // whoever loads it anew says what is wrong with it
		})
	}
	err := host.Ask(ctx, questions...)
	return !slices.Contains(same, false), err
}
