package network

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"bisc/modules"
)

func policy() *FirewalldPolicy {
	return &FirewalldPolicy{Name: "docker-to-relay", IngressZone: "docker", Ingress: []string{"docker0", "docker:kind"}, EgressZone: "trusted", Egress: []string{"gre-ashburn"}, Target: "ACCEPT"}
}

const (
	zonesText = `block
  target: %%REJECT%%
  interfaces: 

docker (active)
  target: ACCEPT
  interfaces: br-111111111111 docker0

trusted (active)
  target: ACCEPT
  interfaces: gre-ashburn
  rich rules: 
	rule family="ipv4" accept
`
	policiesText = `docker-to-relay (active)
  priority: -1
  target: ACCEPT
  ingress-zones: docker
  egress-zones: trusted
`
)

// side is firewalld's in order, changed.
func side(zones, policies string) firewalldSide {
	return firewalldSide{parseSections(zones), parseSections(policies)}
}

func TestFirewalldPolicyDecides(t *testing.T) {
	right := side(zonesText, policiesText)
	reload := "step: run firewall-cmd --reload\nsettle: 30s"
	for _, tt := range []struct {
		name             string
		runtime, written firewalldSide
		edit             func(*FirewalldPolicy, *policySeen)
		want             string
	}{
		{"in sync", right, right, nil, "in sync"},
		{"not running (incident 46)", right, right, func(_ *FirewalldPolicy, o *policySeen) { o.firewalld.running = false }, "now firewalld: not running -> running"},
		{"no policy", side(zonesText, ""), side(zonesText, ""), nil,
			"boot policy: (none) -> docker-to-relay\nnow in force: (none) -> docker -> trusted: ACCEPT\nstep: run firewall-cmd --permanent --new-policy docker-to-relay\n" +
				"step: run firewall-cmd --permanent --policy docker-to-relay --set-target ACCEPT\nstep: run firewall-cmd --permanent --policy docker-to-relay --add-ingress-zone docker\n" +
				"step: run firewall-cmd --permanent --policy docker-to-relay --add-egress-zone trusted\n" + reload},
		{"on disk, and not in force", side(zonesText, ""), right, nil, "now in force: (none) -> docker -> trusted: ACCEPT\n" + reload},
		{"in force, and not on disk", right, side(zonesText, ""), nil, "boot policy: (none) -> docker-to-relay\nstep: run firewall-cmd --permanent --new-policy"},
		{"another target", side(zonesText, strings.Replace(policiesText, "ACCEPT", "CONTINUE", 1)), side(zonesText, strings.Replace(policiesText, "ACCEPT", "CONTINUE", 1)), nil,
			"boot target: CONTINUE -> ACCEPT\nnow in force: docker -> trusted: CONTINUE -> docker -> trusted: ACCEPT\nstep: run firewall-cmd --permanent --policy docker-to-relay --set-target ACCEPT\n" + reload},
		{"one zone too many", right, side(zonesText, strings.Replace(policiesText, ": docker", ": docker public", 1)), nil,
			"boot ingress-zones: docker public -> docker\nstep: run firewall-cmd --permanent --policy docker-to-relay --remove-ingress-zone public"},
		{"the tunnel is in no zone", side(strings.Replace(zonesText, "gre-ashburn", "", 1), policiesText), right, nil,
			"now zone of gre-ashburn: (none) -> trusted\nstep: run firewall-cmd --zone trusted --change-interface gre-ashburn"},
		{"docker made its network anew", right, right, func(_ *FirewalldPolicy, o *policySeen) {
			o.bridges["kind"], o.there = "br-222222222222", []string{"/sys/class/net/br-222222222222"}
		},
			"boot zone of br-222222222222: (none) -> docker\nboot zone of br-111111111111: docker, and there is no such bridge -> (none)\nnow zone of br-222222222222: (none) -> docker\n" +
				"step: run firewall-cmd --permanent --zone docker --change-interface br-222222222222\nstep: run firewall-cmd --permanent --zone docker --remove-interface br-111111111111\n" +
				"step: run firewall-cmd --zone docker --change-interface br-222222222222"},
		{"no such network", right, right, func(_ *FirewalldPolicy, o *policySeen) { o.bridges["kind"] = "" }, "now zone of docker:kind: (none) -> docker"},
		{"no such zone", side(strings.Replace(zonesText, "docker (active)", "dock", 1), policiesText), right, nil, "now zone: (none) -> docker"},
		{"somebody's own rule", side(zonesText, ""), right, func(_ *FirewalldPolicy, o *policySeen) {
			o.live = mustParse(t, "*nat\n-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER\n-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE\n"+want+"\n"+byHand+"\nCOMMIT\n")
		}, "now in force: (none) -> docker -> trusted: ACCEPT\nstep: run firewall-cmd --reload\nstep: run systemctl restart --no-block -- bisc-net-nat-shreds.service\n" +
			"destroys: the packet rule nat -A PREROUTING -d 192.0.2.81 -p udp --dport 20000 -j DNAT --to-destination 172.20.0.2:9000: firewalld's reload takes it away"},
		{"absent", right, right, func(p *FirewalldPolicy, _ *policySeen) { p.Absent = true },
			"boot policy: docker-to-relay -> (none)\nboot zone of docker0: docker -> (none)\nboot zone of br-111111111111: docker -> (none)\nboot zone of gre-ashburn: trusted -> (none)\n" +
				"now zone of gre-ashburn: trusted -> (none)\nnow in force: docker -> trusted: ACCEPT -> (none)\nstep: run firewall-cmd --permanent --delete-policy docker-to-relay"},
		{"absent, and gone", side(strings.Replace(zonesText, "gre-ashburn", "", 1), ""), side("docker\n  interfaces: \ntrusted\n  interfaces: \n", ""), func(p *FirewalldPolicy, _ *policySeen) { p.Absent = true }, "in sync"},
		{"absent, firewalld off, the file there", right, right, func(p *FirewalldPolicy, o *policySeen) {
			p.Absent, o.firewalld.running, o.file.Exists = true, false, true
		},
			"now policy: /etc/firewalld/policies/docker-to-relay.xml -> (none)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := policy()
			o := policySeen{firewalld: firewalld{true, tt.runtime, tt.written}, bridges: map[string]string{"kind": "br-111111111111"}, there: []string{"/sys/class/net/br-111111111111"}}
			if tt.edit != nil {
				tt.edit(p, &o)
			}
			p.Meet([]modules.Resource{p, dnat(), &FilterRule{Name: "node", Chain: "DOCKER-USER", Action: "accept"}})
			got := said(p.decide(o))
			if _, steps, any := strings.Cut(got, "step: "); any {
				if first, _, _ := strings.Cut(steps, "\n"); !strings.HasSuffix(first, "  [guards: file unchanged]") || strings.Count(got, "[guards") != 1 {
					t.Errorf("the first step alone sees that the policy's file is as it was: %s", got)
				}
			}
			if got := strings.Replace(got, "  [guards: file unchanged]", "", 1); !strings.HasPrefix(got, tt.want) {
				t.Errorf("got:\n%s\nwant:\n%s", got, tt.want)
			}
		})
	}
}

func TestFirewalldIsRead(t *testing.T) {
	zones := parseSections(zonesText)
	if got := slices.Sorted(maps.Keys(zones)); !slices.Equal(got, []string{"block", "docker", "trusted"}) || zones["block"].target() != "REJECT" {
		t.Errorf("zones are %q, block's target %q", got, zones["block"].target())
	}
	if got := (firewalldSide{zones: zones}).zoneOf("docker0"); got != "docker" {
		t.Errorf("docker0 is in %q", got)
	}
	n, err := parseDockerNetwork([]byte(`[{"Name":"kind","Id":"14fd6a7cf00e2a2fe94665b089c1f01d4c7e9a167a57fccc030d16cf06f7d432","Driver":"bridge","Options":{},"Containers":{"ab":{"Name":"node","IPv4Address":"172.20.0.2/16"}}}]`))
	if err != nil || n.bridge != "br-14fd6a7cf00e" || n.containers["node"].String() != "172.20.0.2" {
		t.Errorf("%v %+v", err, n)
	}
	if n, err = parseDockerNetwork([]byte(`[{"Id":"14fd6a7cf00e2","Driver":"bridge","Options":{"com.docker.network.bridge.name":"docker0"}}]`)); err != nil || n.bridge != "docker0" {
		t.Errorf("%v %+v", err, n)
	}
	for _, bad := range []string{"[]", "{", `[{"Id":"14fd6a7cf00e2","Driver":"host"}]`} {
		if _, err := parseDockerNetwork([]byte(bad)); err == nil {
			t.Errorf("%s is read as a network", bad)
		}
	}
}

func TestFirewalldPolicyIsValidated(t *testing.T) {
	for want, edit := range map[string]func(*FirewalldPolicy){
		"not a name that firewalld": func(p *FirewalldPolicy) { p.Name = "../x" },
		"between two zones":         func(p *FirewalldPolicy) { p.EgressZone = "docker" },
		"not one of ACCEPT":         func(p *FirewalldPolicy) { p.Target = "accept" },
		"neither an interface":      func(p *FirewalldPolicy) { p.Egress = []string{"--reload"} },
		"write docker:NETWORK":      func(p *FirewalldPolicy) { p.Ingress = []string{"br-cf46a62ab5b2"} },
	} {
		p := policy()
		edit(p)
		if err := p.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want something about %q, got %v", want, err)
		}
	}
}

func TestNftDeciders(t *testing.T) {
	text := `{"nftables":[{"metainfo":{"version":"1.0.6"}},
		{"chain":{"family":"ip","table":"filter","name":"FORWARD","type":"filter","hook":"forward","prio":0,"policy":"drop"}},
		{"chain":{"family":"inet","table":"firewalld","name":"filter_FORWARD","type":"filter","hook":"forward","prio":10,"policy":"accept"}},
		{"chain":{"family":"inet","table":"firewalld","name":"filter_INPUT","type":"filter","hook":"input","prio":10,"policy":"accept"}},
		{"chain":{"family":"inet","table":"counting","name":"f","type":"filter","hook":"forward","prio":-5,"policy":"accept"}},
		{"chain":{"family":"inet","table":"closed","name":"f","type":"filter","hook":"forward","prio":-5,"policy":"drop"}},
		{"rule":{"family":"inet","table":"counting","chain":"f","expr":[{"counter":null}]}},
		{"rule":{"family":"inet","table":"firewalld","chain":"filter_FORWARD","expr":[{"reject":{"type":"icmpx"}}]}}]}`
	rules, err := parseNft([]byte(text))
	got := rules.deciders("forward", "filter")
	if err != nil || len(got) != 2 || got[0].String() != "inet firewalld filter_FORWARD (a rule of its table drops)" || got[1].String() != "inet closed f (its policy is drop)" {
		t.Errorf("%v %v", err, got)
	}
	if _, err := parseNft([]byte("ruleset")); err == nil {
		t.Error("what is no JSON is read as rules")
	}
}
