package inventory

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"bisc/internal/source"
)

const certificate = "sha256:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

func TestEAPI(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		attrs string
		want  EAPI
	}{
		{``, EAPI{Mode: "auto"}},
		{`eapi = "off"`, EAPI{Mode: "off"}},
		{`eapi = "unix"`, EAPI{Mode: "unix"}},
		{`eapi = "http"`, EAPI{Mode: "http", Port: 8080}},
		{"eapi = \"http:80\"\n eapi_password_env = \"PW\"", EAPI{Mode: "http", Port: 80, User: "u", PasswordEnv: "PW"}},
		{"eapi = \"https://192.0.2.1/\"\n eapi_password_file = \"pw\"\n eapi_ca_file = \"ca.pem\"\n eapi_tls_legacy = true",
			EAPI{Mode: "https", URL: "https://192.0.2.1", User: "u", PasswordFile: "inventory/pw", CAFile: "inventory/ca.pem", TLSLegacy: true}},
		{"eapi = \"https://[2001:db8::1]:8443\"\n eapi_user = \"v\"\n eapi_password_cmd = [\"pass\"]\n eapi_tls_pin = \"" + certificate + "\"",
			EAPI{Mode: "https", URL: "https://[2001:db8::1]:8443", User: "v", PasswordCmd: []string{"pass"}, TLSPin: certificate}},
	} {
		inv := read(t, "host \"sw\" {\n platform = \"eos\"\n user = \"u\"\n address = \"192.0.2.1\"\n "+c.attrs+"\n}\n")
		d, err := Decide(t.Context(), inv, find(t, inv, "sw"), nil)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, d.EAPI); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.attrs, diff)
		}
		if !strings.Contains(strings.Join(names(d.Settings), " "), "eapi") {
			t.Errorf("%s: hosts --explain does not say it", c.attrs)
		}
	}
	inv := read(t, "host \"l\" {\n platform = \"linux\"\n}\n")
	if d, err := Decide(t.Context(), inv, find(t, inv, "l"), nil); err != nil || d.EAPI.Mode != "" {
		t.Errorf("a Linux host has eAPI: %+v %v", d.EAPI, err)
	}
}

func names(settings []Setting) (out []string) {
	for _, s := range settings {
		out = append(out, s.Name)
	}
	return out
}

func TestEAPIFaults(t *testing.T) {
	t.Parallel()
	password := "\n eapi_password_env = \"PW\""
	for _, c := range []struct{ platform, attrs, want string }{
		{"eos", `eapi = "ssh"`, "is no way to eAPI"},
		{"eos", `eapi = ""`, "is no way to eAPI"},
		{"eos", `eapi = true`, "string in quotes"},
		{"eos", `eapi = "http:0"`, "1 to 65535"},
		{"eos", `eapi = "http:x"`, "1 to 65535"},
		{"eos", `eapi = "http://192.0.2.1"`, "in the clear"},
		{"eos", `eapi = "https://"`, "empty"},
		{"eos", `eapi = "https://admin:geheim@192.0.2.1"`, "eapi_user"},
		{"eos", `eapi = "https://admin:geheim@[x"`, "no address"},
		{"eos", `eapi = "https://192.0.2.1/command-api"`, "nothing behind it"},
		{"eos", `eapi = "https://192.0.2.1?x"`, "nothing behind it"},
		{"eos", `eapi = "https://192.0.2.1:99999"`, "1 to 65535"},
		{"eos", `eapi = "https://192.0.2.1"`, "HTTPS logs in"},
		{"eos", `eapi_tls_pin = "SHA256:` + strings.Repeat("0", 64) + `"`, "64 hex digits"},
		{"eos", `eapi_tls_pin = "` + certificate[:60] + `"`, "64 hex digits"},
		{"eos", "eapi = \"unix\"\n eapi_tls_pin = \"" + certificate + "\"", "host key"},
		{"eos", `eapi_ca_file = "x"`, "host key"},
		{"eos", `eapi_tls_legacy = true`, "host key"},
		{"eos", `eapi_user = "u"`, "asks for no password"},
		{"eos", "eapi = \"http\"\n eapi_user = \"u\"", "asks for none"},
		{"eos", "eapi = \"https://192.0.2.1\"\n eapi_password_file = \"b\"" + password, "only"},
		{"eos", `eapi_password_env = "my password"`, "never the password"},
		{"linux", `eapi = "off"`, "Only a switch"},
		{"linux", `eapi_user = "u"`, "Only a switch"},
	} {
		text := "host \"a\" {\n platform = \"" + c.platform + "\"\n " + c.attrs + "\n}\n"
		_, diags := Load(source.File{Name: "x.hcl", Text: []byte(text)})
		if len(diags) != 1 || !strings.Contains(diags[0].Detail, c.want) || diags[0].Subject.Start.Line < 3 || strings.Contains(diags.Error(), "geheim") {
			t.Errorf("%s: got %v, want one fault with %q", c.attrs, diags, c.want)
		}
	}
}
