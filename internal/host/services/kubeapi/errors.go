package kubeapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"bisc/internal/host"
)

// broken tells whether an error is of the connection, and not an answer.
func broken(err error) bool {
	var status apierrors.APIStatus
	return err != nil && !errors.As(err, &status)
}

// classify turns what client-go says into the errors of host.Reader's Kube.
func classify(ctx context.Context, q host.KubeQuery, err error) error {
	if refusal := refused(err); refusal != nil {
		switch {
		case missing(err, q.Name):
			return host.ErrNoObject
		case refusal.Code == http.StatusNotFound && unexpected(err):
			return fmt.Errorf("this API server has no resource %s: %w", q.Resource, refusal)
		case refusal.Code >= 500 || refusal.Code == http.StatusTooManyRequests: // it starts, it stops, its etcd is away
			return fmt.Errorf("%w: %w", host.ErrNoAPI, refusal)
		case refusal.Code == http.StatusUnauthorized:
			return fmt.Errorf("%w (is %s of this cluster, and not of one before it?)", refusal, q.Kubeconfig)
		}
		return refusal
	}
	switch {
	case ctx.Err() != nil, errors.Is(err, host.ErrNoAPI), errors.Is(err, host.ErrForwarding), errors.Is(err, host.ErrUnreachable):
		return err
	}
	if errors.Is(err, host.ErrExpired) {
		return fmt.Errorf("%w: %w", host.ErrExpired, unasked(err))
	}
	if errors.Is(err, host.ErrUnasked) {
		return fmt.Errorf("%w: %w", host.ErrUnasked, unasked(err))
	}
	return fmt.Errorf("%w: %w", host.ErrNoAPI, unasked(err))
}

// unasked leaves the question out of an error of HTTP's: several questions wait for one connection, and the error has the URL of the
// one that dialled. The server stays.
func unasked(err error) error {
	var asked *url.Error
	if !errors.As(err, &asked) {
		return err
	}
	at, bad := url.Parse(asked.URL)
	if bad != nil || strings.Contains(asked.Err.Error(), at.Host) {
		return asked.Err
	}
	return fmt.Errorf("%s: %w", at.Host, asked.Err)
}

// refused is the API server's own no, if it is one.
func refused(err error) *host.KubeError {
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return nil
	}
	s := status.Status()
	return &host.KubeError{Code: int(s.Code), Reason: string(s.Reason), Message: s.Message}
}

// missing tells whether the API server says of this very object that it is not there. A 404 is also what it says of a path that
// it does not know, and what any other server says of every path.
func missing(err error, name string) bool {
	var status apierrors.APIStatus
	if !apierrors.IsNotFound(err) || !errors.As(err, &status) || unexpected(err) {
		return false
	}
	d := status.Status().Details
	return name != "" && d != nil && d.Name == name
}

// unexpected tells whether the answer was no Status of the API's: client-go has made one up from HTTP's.
func unexpected(err error) bool {
	return apierrors.HasStatusCause(err, metav1.CauseTypeUnexpectedServerResponse)
}
