package device

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

// model asks for a command's JSON.
func model(t *testing.T, s *Shell, command string) map[string]any {
	t.Helper()
	b, err := s.JSON(command)
	if err != nil {
		t.Fatalf("%s: %v", command, err)
	}
	var m map[string]any
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatalf("%s: %v in %s", command, err, b)
	}
	return m
}

// in walks into a model by keys and indices.
func in(t *testing.T, m any, keys ...any) any {
	t.Helper()
	for _, k := range keys {
		switch k := k.(type) {
		case string:
			next, there := m.(map[string]any)[k]
			if !there {
				t.Fatalf("%v has no %q of %v", m, k, keys)
			}
			m = next
		case int:
			m = m.([]any)[k]
		}
	}
	return m
}

// shape says of a sample and an answer that the answer has the sample's keys, with values of the same kind.
func shape(t *testing.T, where string, sample, got any) {
	t.Helper()
	switch s := sample.(type) {
	case map[string]any:
		g, is := got.(map[string]any)
		if !is {
			t.Errorf("%s is %T, the sample has an object", where, got)
			return
		}
		for k, v := range s {
			other, there := g[k]
			if !there {
				t.Errorf("%s lacks %q", where, k)
				continue
			}
			shape(t, where+"."+k, v, other)
		}
	case []any:
		g, is := got.([]any)
		if is && len(s) > 0 && len(g) > 0 {
			shape(t, where+"[0]", s[0], g[0])
		} else if !is {
			t.Errorf("%s is %T, the sample has a list", where, got)
		}
	default:
		if fmt.Sprintf("%T", sample) != fmt.Sprintf("%T", got) {
			t.Errorf("%s is %T, the sample has %T", where, got, sample)
		}
	}
}

// TestTheShapesOfTheFixtures: held-out answers of switches; what they have, ours have at the same place. from and to are where
// the comparison begins in each, so that the names of routes and interfaces need not agree.
func TestTheShapesOfTheFixtures(t *testing.T) {
	_, s, c := boot(t, nil)
	must(t, s, "configure", "monitor session 1 source Ethernet1/1 rx", "monitor session 1 destination Cpu", "ip access-list LabTest", "permit ip any any", "end")
	c.pass(time.Minute)
	for _, f := range []struct {
		command, sample string
		from, to        []any
	}{
		{"show version", "show/napalm/show_version.json", nil, nil},
		{"show hostname", "show/anta/show_hostname/VerifyLoggingHostname-success-0.json", nil, nil},
		{"show clock", "show/anta/show_clock/VerifyAPISSLCertificate-success-1.json", nil, nil},
		{"show zerotouch", "show/anta/show_zerotouch/VerifyZeroTouch-success-0.json", nil, nil},
		{"show boot-extensions", "show/anta/show_boot_extensions/VerifyEOSExtensions-success-extensions-1.json", nil, nil},
		{"show hardware tcam profile", "show/anta/show_hardware_tcam_profile/VerifyTcamProfile-success-0.json", nil, nil},
		{"show management api http-commands", "show/anta/show_management_api_http_commands/VerifyAPIHttpStatus-success-0.json", nil, nil},
		{"show management security", "show/anta/show_management_security/VerifyHardwareEntropy-success-0.json", nil, nil},
		{"show aaa methods authorization", "show/anta/show_aaa_methods_authorization/VerifyAuthzMethods-success-0.json", nil, nil},
		{"show reload cause", "show/anta/show_reload_cause/VerifyReloadCause-success-valid-reload-cause-fpga-0.json", nil, nil},
		{"show processes top once", "show/anta/show_processes_top_once/VerifyCPUUtilization-success-custom-threshold-0.json", nil, nil},
		{"show ip access-lists LabTest", "show/anta/show_ip_access_lists/VerifyIPv4ACL-success-0.json", []any{"aclList", 1}, []any{"aclList", 0}},
		{"show ip route 0.0.0.0/0", "show/anta/show_ip_route_vrf_vrf_route/VerifyRoutingTableEntry-success-0.json",
			[]any{"vrfs", "default", "routes", "10.1.0.1/32"}, []any{"vrfs", "default", "routes", "0.0.0.0/0"}},
		{"show ip interface brief", "show/anta/show_ip_interface_brief/VerifySVI-success-0.json", []any{"interfaces", "Vlan42"}, []any{"interfaces", "Ethernet1/1"}},
		{"show monitor session", "json/curated/monitor-session-cpu-active.json", []any{"sessions", "Ethernet1"}, []any{"sessions", "1"}},
		{"show cpu counters queue", "json/curated/cpu-counters-queue-sand-excerpt.json", nil, nil},
		{"show configuration sessions detail", "json/curated/configuration-sessions-doublezero.json", []any{"sessions", "blah1"}, []any{"sessions", "blah1"}},
		{"dir flash:", "show/anta/dir_flash_memory/VerifyFilePresence-success-0.json", []any{"urls", "flash:/", "entries", "script.py"},
			[]any{"urls", "flash:/", "entries", "startup-config"}},
	} {
		if f.command == "show configuration sessions detail" {
			must(t, s, "configure session blah1", "end")
		}
		var sample any
		if err := json.Unmarshal([]byte(fixture(t, f.sample)), &sample); err != nil {
			t.Fatal(err)
		}
		if f.command == "show version" {
			delete(sample.(map[string]any), "cEosToolsVersion") // the sample is of a container, which alone has it
		}
		shape(t, f.command, in(t, sample, f.from...), in(t, any(model(t, s, f.command)), f.to...))
	}
}

// TestTextAnswers: what clients read as text is as the fixtures have it.
func TestTextAnswers(t *testing.T) {
	_, s, _ := boot(t, nil)
	if got, want := must(t, s, "show management ssh"), fixture(t, "show/anta/show_management_ssh/VerifySSHStatus-success-4-32-0.txt"); got != strings.Replace(want, "disabled\nSSH conn", "enabled\nSSH conn", 1) {
		t.Errorf("%q, want %q", got, want)
	}
	if got := must(t, s, "show version | include Software image version"); got != "Software image version: 4.34.0F\n" {
		t.Errorf("%q", got)
	}
	section := must(t, s, "show running-config | section route-map RM-USER-500-OUT (deny|permit)")
	if section != "route-map RM-USER-500-OUT deny 10\n   match community COMM-MIA_USERS\nroute-map RM-USER-500-OUT permit 20\n   match community COMM-ALL_USERS\n" {
		t.Errorf("%s", section)
	}
	var sample any
	if err := json.Unmarshal([]byte(fixture(t, "show/anta/show_running_config/VerifyRunningConfig-success-0.json")), &sample); err != nil {
		t.Fatal(err)
	}
	want := in(t, sample, "cmds", "interface Ethernet1", "cmds", "no switchport")
	if got := in(t, any(model(t, s, "show running-config")), "cmds", "interface Ethernet1/1", "cmds", "no switchport"); got != want {
		t.Errorf("a line without a block is %v, want %v", got, want)
	}
	refused(t, s, "show management ssh | json", "unconverted")
	refused(t, s, "show monitor session 7", "% Session 7 not created")
	for line, want := range map[string]string{"show ruining-config": "Invalid input (at token 2: 'ruining-config')", "show version extra": "Invalid input (at token 3: 'extra')",
		"bad command": "Invalid input (at token 1: 'bad')", "show ip route 300.0.0.0/8": "Invalid input (at token 4: '300.0.0.0/8')", "show interfaces": ""} {
		if _, err := s.Run(line); want != "" && err.(*Error).Detail() != want {
			t.Errorf("%s: %q, want %q", line, err.(*Error).Detail(), want)
		}
	}
	refused(t, s, "show ip", "% Incomplete command")
}

func TestOnlyThePrivilegedSeeAndChange(t *testing.T) {
	d, _, _ := boot(t, func(o *Options) { o.EnableSecret = "hunter2" })
	s := d.Shell("install", "vty9")
	for _, line := range []string{"show running-config", "configure", "bash id", "copy running-config startup-config"} {
		refused(t, s, line, "privileged mode required")
	}
	must(t, s, "show version", "enable")
	if q, secret := s.Asking(); q != "Password: " || !secret {
		t.Errorf("%q %v", q, secret)
	}
	refused(t, s, "wrong", "% Bad secret")
	must(t, s, "enable", "hunter2", "show running-config")
	for _, line := range d.Log() {
		if strings.Contains(line, "hunter2") || strings.Contains(line, "wrong") {
			t.Errorf("the log has a password: %s", line)
		}
	}
}

// TestDaemons: a missing one is an error (eos.md D.2); one that is restarted has another pid.
func TestDaemons(t *testing.T) {
	_, s, _ := boot(t, nil)
	refused(t, s, "show daemon bisc-relay", "not found")
	commit(t, s, "d", "daemon bisc-relay", "exec /mnt/flash/bisc/bisc-relay", "no shutdown")
	pid := func() any { return in(t, any(model(t, s, "show daemon bisc-relay")), "daemons", "bisc-relay", "pid") }
	first := pid()
	commit(t, s, "e", "daemon bisc-relay", "shutdown")
	if running := in(t, any(model(t, s, "show daemon bisc-relay")), "daemons", "bisc-relay", "running"); running != false {
		t.Error("shut down, and running")
	}
	commit(t, s, "f", "daemon bisc-relay", "no shutdown")
	if second := pid(); second == first || second == 0.0 {
		t.Errorf("pid %v, then %v", first, second)
	}
}

// TestRoutes: eos.md C.3, 0.7: what resolves is in the RIB; egress-vrf with an interface is taken and never is.
func TestRoutes(t *testing.T) {
	_, s, _ := boot(t, nil)
	commit(t, s, "r", route, "ip route 192.0.2.8/32 203.0.113.1", "vrf instance relay", "ip routing vrf relay",
		"interface Tunnel100", "vrf relay", "ip address 169.254.100.0/31", "ip route 192.0.2.9/32 egress-vrf relay 169.254.100.1",
		"ip route 192.0.2.10/32 egress-vrf relay Tunnel100 169.254.100.1", "ip route vrf relay 0.0.0.0/0 egress-vrf default 172.16.1.188")
	for prefix, want := range map[string]bool{"192.0.2.7/32": true, "192.0.2.8/32": false, "192.0.2.9/32": true, "192.0.2.10/32": false} {
		routes := in(t, any(model(t, s, "show ip route "+prefix)), "vrfs", "default", "routes").(map[string]any)
		if _, there := routes[prefix]; there != want {
			t.Errorf("%s in the RIB: %v, want %v", prefix, there, want)
		}
	}
	in(t, any(model(t, s, "show ip route vrf relay 0.0.0.0/0")), "vrfs", "relay", "routes", "0.0.0.0/0", "vias", 0, "nexthopAddr")
	refused(t, s, "show ip route vrf nowhere 0.0.0.0/0", "does not exist")
	vias := in(t, any(model(t, s, "show ip route 0.0.0.0/0")), "vrfs", "default", "routes", "0.0.0.0/0", "vias").([]any)
	if len(vias) != 1 {
		t.Errorf("the default route with a typo in its next hop resolves: %v", vias)
	}
}

func TestExtensions(t *testing.T) {
	files := memory{"bisc-relay-1.2-1.x86_64.rpm": []byte("rpm")}
	d, s, _ := boot(t, func(o *Options) { o.Files = files })
	const name = "bisc-relay-1.2-1.x86_64.rpm"
	refused(t, s, "extension "+name, "not found")
	must(t, s, "copy flash:"+name+" extension:", "extension "+name, "copy installed-extensions boot-extensions")
	d.Reload()
	s = d.Shell("install", "vty1")
	must(t, s, "enable")
	e := in(t, any(model(t, s, "show extensions")), "extensions", name)
	for key, want := range map[string]any{"version": "1.2", "release": "1", "status": "installed", "boot": true, "presence": "present"} {
		if got := in(t, e, key); got != want {
			t.Errorf("%s is %v, want %v", key, got, want)
		}
	}
	must(t, s, "no extension "+name)
	if got := in(t, any(model(t, s, "show extensions")), "extensions", name, "status"); got != "notInstalled" {
		t.Errorf("%v", got)
	}
}
