package sshhost

import (
	"testing"

	"bisc/internal/host"
)

func FuzzParsePage(f *testing.F) {
	for _, s := range []string{"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\n", "\x1b[2J", ""} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := parsePage(raw)
		if err == nil && (got.Status < 200 || len(got.Body) > host.MaxPage) {
			t.Errorf("%+v", got)
		}
	})
}
