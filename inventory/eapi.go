package inventory

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"bisc/internal/host"
)

// EAPI is what the inventory says of a switch's HTTP interface. Where it says nothing, bisc looks whether the switch has the
// socket, and reads over it if so.
type EAPI struct {
	// Mode is auto, off, unix, http or https.
	Mode string
	Port int    // of http, on the switch's own 127.0.0.1
	URL  string // of https: https://HOST[:PORT]
	User string // who logs in; empty: nobody does (http), the login of SSH (https)
	// PasswordEnv, PasswordFile and PasswordCmd name where the password is, never the password.
	PasswordEnv, PasswordFile string
	PasswordCmd               []string
	CAFile                    string // PEM, of those who may have signed the certificate
	TLSPin                    string // sha256: and 64 hex digits: the certificate's own digest
	TLSLegacy                 bool   // the suites of old EOS too
}

// eapiPort is the port of "protocol http localhost" where nobody says another.
const eapiPort = 8080

// eapiFields are eAPI's attributes of a host block.
func eapiFields() map[string]field {
	return map[string]field{
		"eapi":               (*decoder).eapi,
		"eapi_user":          text(func(h *Host) *string { return &h.EAPI.User }, checkUser),
		"eapi_password_env":  text(func(h *Host) *string { return &h.EAPI.PasswordEnv }, checkEnv),
		"eapi_password_file": file(func(h *Host) *string { return &h.EAPI.PasswordFile }),
		"eapi_password_cmd":  list(func(h *Host) *[]string { return &h.EAPI.PasswordCmd }, checkArgument, asIs),
		"eapi_ca_file":       file(func(h *Host) *string { return &h.EAPI.CAFile }),
		"eapi_tls_pin":       text(func(h *Host) *string { return &h.EAPI.TLSPin }, checkCertificate),
		"eapi_tls_legacy": func(d *decoder, a *hclsyntax.Attribute, v cty.Value) {
			b := d.bool(a, v)
			d.host.EAPI.TLSLegacy = b != nil && *b
		},
	}
}

func file(at func(*Host) *string) field {
	return func(d *decoder, a *hclsyntax.Attribute, v cty.Value) {
		text(at, checkPath)(d, a, v)
		if name := at(d.host); *name != "" {
			*name = besideFile(a, *name)
		}
	}
}

// checkCertificate wants a certificate's digest, as openssl prints it: with colons or without.
func checkCertificate(s string) error {
	digits, ok := strings.CutPrefix(s, "sha256:")
	b, err := hex.DecodeString(strings.ReplaceAll(digits, ":", ""))
	if !ok || err != nil || len(b) != 32 {
		return fmt.Errorf("%q is no digest of a certificate: it is sha256: and 64 hex digits (openssl x509 -noout -fingerprint -sha256)", s)
	}
	return nil
}

func (d *decoder) eapi(a *hclsyntax.Attribute, v cty.Value) {
	s, ok := d.string(a, v)
	if !ok {
		return
	}
	read, err := readEAPI(s)
	if err != nil {
		d.invalid(a, err)
		return
	}
	d.host.EAPI.Mode, d.host.EAPI.Port, d.host.EAPI.URL = read.Mode, read.Port, read.URL
}

// readEAPI reads "auto", "off", "unix", "http", "http:PORT" or "https://HOST[:PORT]".
func readEAPI(s string) (EAPI, error) {
	word, rest, _ := strings.Cut(s, ":")
	switch {
	case s == "auto", s == "off", s == "unix":
		return EAPI{Mode: s}, nil
	case s == "http":
		return EAPI{Mode: s, Port: eapiPort}, nil
	case word == "http" && !strings.HasPrefix(rest, "/"):
		port, err := strconv.Atoi(rest)
		if err != nil || port < 1 || port > 65535 {
			return EAPI{}, fmt.Errorf("%q: a port is 1 to 65535: write for example \"http:8080\"", s)
		}
		return EAPI{Mode: word, Port: port}, nil
	case word == "http":
		return EAPI{}, fmt.Errorf("%q would send what the switch says, and a password, in the clear: write \"http:PORT\", which goes through SSH to the switch's own 127.0.0.1, or https://", s)
	case word == "https":
		return readEAPIAddress(s)
	}
	return EAPI{}, fmt.Errorf("%q is no way to eAPI: it is \"auto\", \"off\", \"unix\", \"http\", \"http:PORT\" or \"https://HOST[:PORT]\"", s)
}

func readEAPIAddress(s string) (EAPI, error) {
	u, err := url.Parse(s)
	switch {
	case err != nil: // its text would repeat a password
		return EAPI{}, errors.New("this is no address: write for example \"https://192.0.2.1\"")
	case u.User != nil:
		return EAPI{}, errors.New("no user and no password is written into eAPI's address: eapi_user, and eapi_password_env, _file or _cmd, say where they are")
	case u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "":
		return EAPI{}, fmt.Errorf("%q: it is https://HOST[:PORT] and nothing behind it: the path is always /command-api", s)
	}
	if err := checkAddress(u.Hostname()); err != nil {
		return EAPI{}, err
	}
	if n, err := strconv.Atoi(u.Port()); u.Port() != "" && (err != nil || n < 1 || n > 65535) {
		return EAPI{}, fmt.Errorf("%q: a port is 1 to 65535", s)
	}
	return EAPI{Mode: "https", URL: "https://" + u.Host}, nil
}

// eapiTogether finds what of eAPI's attributes does not go together.
func (d *decoder) eapiTogether() {
	h := d.host
	given := func(names ...string) (first string) {
		for _, n := range names {
			if _, ok := h.attrs[n]; ok {
				return n
			}
		}
		return ""
	}
	passwords := []string{"eapi_password_env", "eapi_password_file", "eapi_password_cmd"}
	any := given("eapi", "eapi_user", passwords[0], passwords[1], passwords[2], "eapi_ca_file", "eapi_tls_pin", "eapi_tls_legacy")
	certificate := given("eapi_ca_file", "eapi_tls_pin", "eapi_tls_legacy")
	login := given(append(passwords, "eapi_user")...)
	switch {
	case any == "" || d.diags.HasErrors():
	case h.Platform != host.EOS:
		d.fault(h.attrs[any], "No switch", "Only a switch (platform = \"eos\") has eAPI.")
	case certificate != "" && h.EAPI.Mode != "https":
		d.fault(h.attrs[certificate], "No certificate", certificate+" is of eapi = \"https://...\": the other ways go through SSH, which knows the switch by its host key.")
	case login != "" && h.EAPI.Mode != "https" && h.EAPI.Mode != "http":
		d.fault(h.attrs[login], "No login", login+" is of eapi = \"https://...\" and \"http:PORT\": the switch's socket asks for no password.")
	case h.EAPI.Mode == "https" && given(passwords...) == "":
		d.fault(h.attrs["eapi"], "No password", "HTTPS logs in: eapi_password_env, eapi_password_file or eapi_password_cmd says where the password is.")
	case h.EAPI.Mode == "http" && h.EAPI.User != "" && given(passwords...) == "":
		d.fault(h.attrs["eapi_user"], "No password", "Who logs in has a password: eapi_password_env, eapi_password_file or eapi_password_cmd says where it is. \"protocol http localhost\" asks for none: leave eapi_user out.")
	}
	for i, one := range passwords {
		for _, other := range passwords[i+1:] {
			if given(one) != "" && given(other) != "" {
				d.fault(h.attrs[other], "Two passwords", "Give one of eapi_password_env, eapi_password_file and eapi_password_cmd only.")
				return
			}
		}
	}
}

// eapi decides how a switch's HTTP interface is reached.
func (d *Decision) eapi(h *Host) {
	if h.Platform != host.EOS || h.JumpOnly {
		return
	}
	d.EAPI = h.EAPI
	e := &d.EAPI
	value := e.Mode
	switch e.Mode {
	case "":
		e.Mode = "auto"
		d.set("eapi", "auto", "default: the switch's socket if it answers, else the command line")
	case "http":
		value = "http:" + strconv.Itoa(e.Port)
	case "https":
		value = e.URL
	}
	if e.User == "" && (e.PasswordEnv != "" || e.PasswordFile != "" || len(e.PasswordCmd) > 0) {
		e.User = d.User
	}
	d.set("eapi", value, h.where("eapi"))
	e.PasswordFile, e.CAFile = expand(e.PasswordFile, *d), expand(e.CAFile, *d)
	d.set("eapi_user", e.User, h.where("eapi_user"))
	d.set("eapi_ca_file", e.CAFile, h.where("eapi_ca_file"))
	d.set("eapi_tls_pin", e.TLSPin, h.where("eapi_tls_pin"))
	if e.TLSLegacy {
		d.set("eapi_tls_legacy", "true", h.where("eapi_tls_legacy"))
	}
}
