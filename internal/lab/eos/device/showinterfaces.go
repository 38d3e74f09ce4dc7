package device

import (
	"fmt"
	"strings"

	"bisc/internal/lab/eos/device/config"
)

func showInterfaces() []shower {
	return []shower{
		{words: "interfaces", max: 1, open: true, answer: (*Shell).showInterface},
		{words: "interfaces status", open: true, answer: func(s *Shell, _ []string) (answer, error) { return s.d.showStatus(), nil }},
		{words: "ip interface brief", open: true, answer: func(s *Shell, _ []string) (answer, error) { return s.d.showBrief(), nil }},
	}
}

// words gives interfaceStatus and lineProtocolStatus.
func (d *Device) words(i Interface) (status, line string) {
	switch {
	case !i.Enabled:
		return "disabled", "down"
	case d.linkDown(i.Name):
		return "notconnect", "down"
	}
	return "connected", "up"
}

// showInterface: the keys are those of show/napalm/test_get_facts/normal/show_interfaces.json.
func (s *Shell) showInterface(args []string) (answer, error) {
	want := ""
	if len(args) == 1 {
		name, ok := config.Interface(args[0])
		if !ok {
			return answer{}, invalid(3, args[0])
		}
		want = name
	}
	list, text := object{}, ""
	for _, i := range s.d.view().Interfaces {
		if want != "" && i.Name != want {
			continue
		}
		status, line := s.d.words(i)
		l := s.d.o.Plane.Link(i.Name)
		model := "bridged"
		if i.Routed {
			model = "routed"
		}
		addresses := []object{}
		if len(i.Addresses) > 0 {
			addresses = append(addresses, object{{"primaryIp", object{{"maskLen", i.Addresses[0].Bits()}, {"address", i.Addresses[0].Addr().String()}}},
				{"secondaryIpsOrderedList", []object{}}, {"secondaryIps", object{}}, {"broadcastAddress", "255.255.255.255"}})
		}
		list = append(list, field{i.Name, object{{"name", i.Name}, {"interfaceStatus", status}, {"lineProtocolStatus", line}, {"mtu", i.MTU},
			{"bandwidth", 10000000000}, {"forwardingModel", model}, {"description", value(s.d.block("interface "+i.Name), "description ")},
			{"interfaceCounters", object{{"inUcastPkts", l.InPkts}, {"outUcastPkts", l.OutPkts}, {"inOctets", l.InBytes}, {"outOctets", l.OutBytes},
				{"inDiscards", 0}, {"outDiscards", 0}, {"totalInErrors", 0}, {"totalOutErrors", 0}}},
			{"interfaceStatistics", object{{"updateInterval", 300.0}, {"inPktsRate", 0.0}, {"outPktsRate", 0.0}, {"inBitsRate", 0.0}, {"outBitsRate", 0.0}}},
			{"interfaceAddress", addresses}}})
		text += fmt.Sprintf("%s is %s, line protocol is %s (%s)\n  IP MTU %d bytes\n     %d packets input, %d bytes\n     %d packets output, %d bytes\n",
			i.Name, map[bool]string{true: "up", false: "down"}[line == "up"], line, status, i.MTU, l.InPkts, l.InBytes, l.OutPkts, l.OutBytes)
	}
	if want != "" && len(list) == 0 {
		return answer{}, failed("Interface %s does not exist", want)
	}
	return answer{text, object{{"interfaces", list}}}, nil
}

// showStatus: eos.md E (the inner names are [I] there).
func (d *Device) showStatus() answer {
	list, text := object{}, "Port       Name   Status       Vlan     Duplex Speed  Type         Flags Encapsulation\n"
	for _, i := range d.view().Interfaces {
		if !strings.HasPrefix(i.Name, "Ethernet") && !strings.HasPrefix(i.Name, "Management") {
			continue
		}
		status, line := d.words(i)
		list = append(list, field{i.Name, object{{"linkStatus", status}, {"lineProtocolStatus", line}, {"bandwidth", 10000000000}, {"duplex", "duplexFull"},
			{"interfaceType", "10GBASE-SR"}, {"description", value(d.block("interface "+i.Name), "description ")}}})
		text += fmt.Sprintf("%-10s        %-12s %-8s full   10G    10GBASE-SR\n", config.Short(i.Name), status, map[bool]string{true: "routed", false: "1"}[i.Routed])
	}
	return answer{text, object{{"interfaceStatuses", list}}}
}

// showBrief: show/anta/show_ip_interface_brief, text/ntc/arista_eos_show_ip_interface_brief.raw.
func (d *Device) showBrief() answer {
	list, text := object{}, "Interface              IP Address         Status     Protocol         MTU\n"
	for _, i := range d.view().Interfaces {
		if len(i.Addresses) == 0 {
			continue
		}
		a := i.Addresses[0]
		status, line := d.words(i)
		list = append(list, field{i.Name, object{{"name", i.Name}, {"interfaceStatus", status}, {"interfaceAddress", object{{"ipAddr",
			object{{"maskLen", a.Bits()}, {"address", a.Addr().String()}}}}}, {"ipv4Routable240", false}, {"lineProtocolStatus", line}, {"mtu", i.MTU}}})
		text += fmt.Sprintf("%-22s %-18s %-10s %-16s %d\n", i.Name, a, map[bool]string{true: "up", false: "down"}[line == "up"], line, i.MTU)
	}
	return answer{text, object{{"interfaces", list}}}
}
