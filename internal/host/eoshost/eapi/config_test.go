package eapi

import (
	"strings"
	"testing"
)

func TestReadMode(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]string{
		"auto": "eAPI over /var/run/command-api.sock through SSH", "off": "no eAPI", "unix": "eAPI over /var/run/command-api.sock through SSH",
		"http": "eAPI over 127.0.0.1:8080 through SSH", "http:80": "eAPI over 127.0.0.1:80 through SSH",
		"https://192.0.2.1": "eAPI over https://192.0.2.1", "https://[2001:db8::1]:8443/": "eAPI over https://[2001:db8::1]:8443",
	} {
		c, err := ReadMode(s)
		if err != nil || c.String() != want {
			t.Errorf("%q: %q %v", s, c, err)
		}
	}
	for s, want := range map[string]string{
		"": "is no way", "unixx": "is no way", "ssh": "is no way", "http:0": "1 to 65535", "http:x": "1 to 65535", "http://192.0.2.1": "in the clear", "https://": "no address",
		"https://admin:pw@192.0.2.1": "eapi_user", "https://192.0.2.1/command-api": "nothing behind it", "https://192.0.2.1:99999": "1 to 65535", "https://192.0.2.1?x": "nothing behind it",
	} {
		if c, err := ReadMode(s); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "pw") {
			t.Errorf("%q: %v %v", s, c, err)
		}
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		cfg  Config
		want string
	}{
		{Config{}, ""}, {Config{Mode: HTTPS, URL: "https://192.0.2.1", User: "u"}, ""},
		{Config{Mode: HTTPS, URL: "https://192.0.2.1"}, "logs in"},
		{Config{Mode: Unix, TLSPin: "sha256:00"}, "through SSH"}, {Config{CAFile: "x"}, "through SSH"},
		{Config{Mode: HTTPS, URL: "https://192.0.2.1", User: "u", TLSPin: "sha256:00"}, "64 hex digits"},
		{Config{Mode: HTTPS, URL: "https://192.0.2.1", User: "u", TLSPin: "SHA256:" + strings.Repeat("00", 32)}, "64 hex digits"},
	} {
		if err := c.cfg.Check(); (c.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v", c.cfg, err)
		}
	}
}
