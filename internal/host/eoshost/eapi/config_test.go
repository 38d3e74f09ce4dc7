package eapi

import "testing"

func TestWhere(t *testing.T) {
	t.Parallel()
	for want, cfg := range map[string]Config{
		"no eAPI": {}, "eAPI over /var/run/command-api.sock through SSH": {Mode: Auto}, "eAPI over 127.0.0.1:8080 through SSH": {Mode: HTTP},
		"eAPI over 127.0.0.1:80 through SSH": {Mode: HTTP, Port: 80}, "eAPI over https://192.0.2.1": {Mode: HTTPS, URL: "https://192.0.2.1"},
	} {
		if got := cfg.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	for want, cfg := range map[string]Config{
		"unix /var/run/command-api.sock": {Mode: Unix}, "tcp 127.0.0.1:8080": {Mode: HTTP}, "tcp 192.0.2.1:443": {Mode: HTTPS, URL: "https://192.0.2.1"},
		"tcp [2001:db8::1]:8443": {Mode: HTTPS, URL: "https://[2001:db8::1]:8443"},
	} {
		if network, address := cfg.Dialled(); network+" "+address != want {
			t.Errorf("%s %s, want %s", network, address, want)
		}
	}
}
