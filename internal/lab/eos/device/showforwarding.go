package device

import (
	"fmt"
	"sort"
	"strings"

	"bisc/internal/lab/eos/device/config"
)

func showForwarding() []shower {
	return []shower{
		{words: "ip route", max: 3, open: true, answer: (*Shell).showRoute},
		{words: "ip access-lists", max: 1, answer: (*Shell).showACL},
		{words: "monitor session", max: 1, answer: (*Shell).showMonitor},
		{words: "cpu counters queue", answer: func(s *Shell, _ []string) (answer, error) { return s.d.showQueues(), nil }},
		{words: "policy-map copp copp-system-policy", answer: func(s *Shell, _ []string) (answer, error) { return s.d.showCopp(), nil }},
		{words: "policy-map type copp copp-system-policy", answer: func(s *Shell, _ []string) (answer, error) { return s.d.showCopp(), nil }},
		{words: "policy-map type pbr", max: 1, answer: (*Shell).showPBR},
		{words: "hardware tcam profile", answer: func(s *Shell, _ []string) (answer, error) { return s.d.showTCAM(), nil }},
		{words: "vrf", open: true, answer: func(s *Shell, _ []string) (answer, error) { return s.d.showVRF(), nil }},
	}
}

// showACL: the JSON is that of show/anta/show_ip_access_lists, counterData is [I] (eos.md E); an ACL that is not there is an empty
// list ([I]).
func (s *Shell) showACL(args []string) (answer, error) {
	lists, text := []object{}, ""
	for _, n := range s.d.running.Top() {
		kind, name := header(n.Line)
		if !strings.HasPrefix(kind, "ip access-list") || len(args) == 1 && args[0] != name {
			continue
		}
		text += "IP Access List " + name + "\n"
		counted, rules := has(n, "counters per-entry"), []object{}
		for _, r := range s.d.rules(name) {
			rule := object{{"text", r.Text}, {"sequenceNumber", r.Sequence}}
			text += fmt.Sprintf("        %d %s", r.Sequence, r.Text)
			if hits := s.d.o.Plane.Hits(name, r.Sequence); counted {
				rule = append(rule, field{"counterData", object{{"packetCount", hits}, {"checkpointPacketCount", 0}}})
				text += fmt.Sprintf(" [match %d packets]", hits)
			}
			text += "\n"
			rules = append(rules, rule)
		}
		lists = append(lists, object{{"name", name}, {"type", "Ip4Acl"}, {"countersEnabled", counted}, {"sequence", rules}})
		text += "\n"
	}
	return answer{text, object{{"aclList", lists}}}, nil
}

// showMonitor: json/curated/monitor-session-cpu-active.json and -programming.json; the text is that of eos.md C.1.
func (s *Shell) showMonitor(args []string) (answer, error) {
	sessions, text := object{}, ""
	for _, m := range s.d.mirrors() {
		if len(args) == 1 && args[0] != m.Name {
			continue
		}
		state := MirrorState{State: "unknown"}
		if len(m.Sources) > 0 && m.Destination != "" && !s.d.faults.Unprogrammed {
			state = s.d.o.Plane.Mirror(m.Name)
		}
		sources, targets := []object{}, []object{}
		text += "Session " + m.Name + "\n------------------------\n\nSource Ports:\n\n"
		for _, src := range m.Sources {
			sources = append(sources, object{{"name", src.Interface}, {"direction", src.Direction}, {"acl", m.ACL}})
			text += fmt.Sprintf("  %-12s %s\n", strings.ToUpper(src.Direction[:1])+src.Direction[1:]+":", config.Short(src.Interface))
		}
		text += "\nDestination Ports:\n\n"
		if m.Destination != "" {
			targets = append(targets, object{{"name", m.Destination}, {"operState", state.State}})
			device := ""
			if state.Device != "" {
				device = " (" + state.Device + ")"
			}
			text += fmt.Sprintf("    %s :  %s%s\n", config.Short(m.Destination), state.State, device)
		}
		if m.ACL != "" {
			text += "\nip access-group: " + m.ACL + "\n"
		}
		text += "\n"
		sessions = append(sessions, field{m.Name, object{{"mirrorDeviceName", state.Device}, {"sourceInterfaces", sources}, {"targetInterfaces", targets}}})
	}
	if len(args) == 1 && len(sessions) == 0 {
		return answer{}, failed("Session %s not created", args[0])
	}
	return answer{text, object{{"sessions", sessions}}}, nil
}

// showQueues: json/curated/cpu-counters-queue-sand-excerpt.json.
func (d *Device) showQueues() answer {
	queues := d.o.Plane.Queues()
	names := make([]string, 0, len(queues))
	for name := range queues {
		names = append(names, name)
	}
	sort.Strings(names)
	classes, text := object{}, "Ingress VoQs:\nClass                          Enqueued Packets   Dropped Packets\n"
	for _, name := range names {
		q := queues[name]
		classes = append(classes, field{name, object{{"ports", object{{"", object{{"droppedBytes", q.DroppedBytes}, {"enqueuedPackets", q.EnqueuedPackets},
			{"enqueuedBytes", q.EnqueuedBytes}, {"droppedPackets", q.DroppedPackets}}}}}}})
		text += fmt.Sprintf("%-30s %16d %17d\n", name, q.EnqueuedPackets, q.DroppedPackets)
	}
	zero := object{{"queues", object{{"0", object{{"droppedBytes", 0}, {"enqueuedPackets", 0}, {"enqueuedBytes", 0}, {"droppedPackets", 0}}}}}}
	return answer{text, object{
		{"egressQueues", object{{"sources", object{{"all", object{{"cpuPorts", object{{"CpuTm0", object{{"ucastQueues", zero}, {"mcastQueues", zero}}}}}}}}}}},
		{"ingressVoqs", object{{"sources", object{{"all", object{{"cpuClasses", classes}}}}}}},
	}}
}

// showCopp: the CLI's names of the classes and that the shape of the mirroring class is not public for this chip ([U]): the text
// gives what the configuration says and "default" for the rest, and there is no JSON.
func (d *Device) showCopp() answer {
	shapes := d.view().Copp
	text := "Service-policy input: copp-system-policy\n"
	for i, class := range []string{"copp-system-mirroring", "copp-system-ipunicast", "copp-system-lldp"} {
		text += fmt.Sprintf("  Class-map: %s (match-any)\n", class)
		if kbps, set := shapes[class]; set {
			text += fmt.Sprintf("       shape : %d kbps\n", kbps)
		} else {
			text += "       shape : default\n"
		}
		q := d.o.Plane.Queues()[[]string{"CoppSystemMirroring", "CoppSystemIpUcast", "CoppSystemLldp"}[i]]
		text += fmt.Sprintf("      Out Packets : %d\n      Drop Packets : %d\n", q.EnqueuedPackets, q.DroppedPackets)
	}
	return answer{text: text}
}

// showPBR: text only (eos.md E: the JSON is [U]).
func (s *Shell) showPBR(args []string) (answer, error) {
	text := ""
	for _, n := range s.d.running.Top() {
		name, is := strings.CutPrefix(n.Line, "policy-map type pbr ")
		if !is || len(args) == 1 && args[0] != name && args[0] != "counters" {
			continue
		}
		text += "Service policy " + name + "\n"
		for _, c := range n.Below() {
			text += fmt.Sprintf("  %d: Class-map: %s\n", c.Number(), strings.TrimPrefix(c.Line, "class "))
			for _, a := range c.Below() {
				text += "       " + a.Line + "\n"
			}
		}
	}
	return answer{text: text}, nil
}

// showTCAM: eos.md C.4, show/anta/show_hardware_tcam_profile. The profile that is configured is the one in force, unless nothing
// is programmed.
func (d *Device) showTCAM() answer {
	profile := "default"
	for _, n := range d.running.Top() {
		if p := value(n, "system profile "); n.Line == "hardware tcam" && p != "" {
			profile = p
		}
	}
	status := profile
	if d.faults.Unprogrammed {
		status = "ERROR"
	}
	return answer{fmt.Sprintf("                    Configuration                 Status\nFixedSystem         %-29s %s\n", profile, status),
		object{{"pmfProfiles", object{{"FixedSystem", object{{"config", profile}, {"configType", "System Profile"}, {"status", status}, {"mode", "tcam"}}}}},
			{"lastProgrammingStatus", object{}}}}
}

// showVRF: the keys are those of show/napalm/test_get_network_instances/normal/show_vrf.json.
func (d *Device) showVRF() answer {
	vrfs, text := object{}, "   VRF           Protocols       State         Interfaces\n"
	v := d.view()
	for _, name := range append([]string{"default"}, v.VRFs...) {
		in := []string{}
		for _, i := range v.Interfaces {
			if i.VRF == name && len(i.Addresses) > 0 {
				in = append(in, i.Name)
			}
		}
		state := "down"
		if name == "default" && d.has("ip routing") || d.has("ip routing vrf "+name) {
			state = "up"
		}
		vrfs = append(vrfs, field{name, object{{"routeDistinguisher", ""}, {"vrfState", "up"}, {"interfacesV4", in}, {"interfacesV6", []string{}}, {"interfaces", in},
			{"protocols", object{{"ipv4", object{{"supported", true}, {"protocolState", state}, {"routingState", state}}}}}}})
		text += fmt.Sprintf("   %-13s IPv4            %-13s %s\n", name, state, strings.Join(in, ", "))
	}
	return answer{text, object{{"vrfs", vrfs}}}
}

// block finds a block of the running configuration by its header.
func (d *Device) block(line string) *config.Node {
	for _, n := range d.running.Top() {
		if n.Line == line {
			return n
		}
	}
	return nil
}
