package device

import (
	"fmt"
	"strings"
)

func showManagement() []shower {
	plain := func(f func(d *Device) answer) func(*Shell, []string) (answer, error) {
		return func(s *Shell, _ []string) (answer, error) { return f(s.d), nil }
	}
	return []shower{
		{words: "management api http-commands", answer: plain((*Device).showEAPI)},
		{words: "management ssh", answer: plain((*Device).showSSH)},
		{words: "management security", answer: plain((*Device).showSecurity)},
		{words: "aaa methods authorization", answer: plain((*Device).showAuthorization)},
		{words: "aaa methods authentication", answer: plain((*Device).showAuthentication)},
		{words: "aaa methods all", answer: plain(func(d *Device) answer {
			return answer{text: d.showAuthentication().text + d.showAuthorization().text}
		})},
		{words: "ip name-server", answer: plain((*Device).showNameServers)},
	}
}

// showEAPI: show/anta/show_management_api_http_commands.
func (d *Device) showEAPI() answer {
	e := d.view().EAPI
	one := func(port, standard int) object {
		if port == 0 {
			return object{{"configured", false}, {"running", false}, {"port", standard}}
		}
		return object{{"configured", true}, {"running", e.Enabled}, {"port", port}}
	}
	https := e.HTTPS
	if n := d.block("management api http-commands"); n == nil {
		https = 443
	}
	text := fmt.Sprintf("Enabled:            %s\nHTTPS server:       %s, set to use port %d\nHTTP server:        %s\nLocal HTTP server:  %s\nUnix Socket server: %s\n",
		yes(e.Enabled), runs(https, e.Enabled), max(https, 0), runs(e.HTTP, e.Enabled), runs(e.LocalHTTP, e.Enabled), runs(btoi(e.UnixSocket), e.Enabled))
	return answer{text, object{{"enabled", e.Enabled}, {"httpServer", one(e.HTTP, 80)}, {"localHttpServer", one(e.LocalHTTP, 8080)},
		{"httpsServer", one(https, 443)}, {"unixSocketServer", object{{"configured", e.UnixSocket}, {"running", e.UnixSocket && e.Enabled}}},
		{"sslProfile", object{{"name", ""}, {"configured", false}, {"state", "invalid"}}}, {"tlsProtocol", []string{"1.2"}}, {"urls", []string{}}, {"users", object{}}}}
}

func yes(b bool) string {
	if b {
		return "Yes"
	}
	return "No"
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func runs(port int, enabled bool) string {
	switch {
	case port == 0:
		return "shutdown"
	case enabled:
		return "running"
	}
	return "configured"
}

// showSSH: show/anta/show_management_ssh, the form of 4.32 and later; it has no JSON there.
func (d *Device) showSSH() answer {
	state := "enabled"
	if n := d.block("management ssh"); n != nil && has(n, "shutdown") {
		state = "disabled"
	}
	return answer{text: "User certificate authentication methods: none (neither trusted CA nor SSL profile configured)\nSSHD status for Default VRF: " + state +
		"\nSSH connection limit: 50\nSSH per host connection limit: 20\nFIPS status: disabled\n\n"}
}

// showSecurity: show/anta/show_management_security.
func (d *Device) showSecurity() answer {
	return answer{"CPU Model: 2.20GHz\nSecurity Chip: none\n", object{{"cpuModel", "2.20GHz"}, {"cryptoModule", "Crypto Module v3.0"},
		{"hardwareEntropyEnabled", false}, {"blockedNetworkProtocols", []string{}}}}
}

// methods reads "aaa ... default METHODS" from the configuration; without one it is what EOS does ([I]).
func (d *Device) methods(begin, otherwise string) []string {
	for _, n := range d.running.Top() {
		if rest, is := strings.CutPrefix(n.Line, begin+" default "); is {
			return strings.Fields(rest)
		}
	}
	return strings.Fields(otherwise)
}

// showAuthorization: show/anta/show_aaa_methods_authorization; "none" lets every command pass and an SSH login land at ">".
func (d *Device) showAuthorization() answer {
	exec, commands := d.methods("aaa authorization exec", "none"), d.methods("aaa authorization commands", "none")
	return answer{fmt.Sprintf("Authorization method lists for COMMANDS:\n  name=privilege0-15\n    methods=%s\nAuthorization method lists for EXEC:\n  name=exec\n    methods=%s\n",
		strings.Join(commands, ", "), strings.Join(exec, ", ")),
		object{{"commandsAuthzMethods", object{{"privilege0-15", object{{"methods", commands}}}}}, {"execAuthzMethods", object{{"exec", object{{"methods", exec}}}}}}}
}

// showAuthentication: show/anta/show_aaa_methods_authentication.
func (d *Device) showAuthentication() answer {
	login := d.methods("aaa authentication login", "local")
	list := object{{"default", object{{"methods", login}}}}
	return answer{"Authentication method lists for LOGIN:\n  name=default\n    methods=" + strings.Join(login, ", ") + "\n",
		object{{"loginAuthenMethods", list}, {"enableAuthenMethods", object{{"default", object{{"methods", []string{"local"}}}}}},
			{"dot1xAuthenMethods", object{{"default", object{{"methods", []string{}}}}}}}}
}

// showNameServers: the keys are those of show/anta/show_ip_name_server.
func (d *Device) showNameServers() answer {
	list, text := []object{}, ""
	for _, n := range d.running.Top() {
		if w := strings.Fields(n.Line); len(w) == 5 && w[0] == "ip" && w[1] == "name-server" {
			list = append(list, object{{"ipAddr", w[4]}, {"vrf", w[3]}, {"priority", 0}})
			text += w[4] + " is in VRF " + w[3] + "\n"
		}
	}
	return answer{text, object{{"nameServerConfigs", list}}}
}
