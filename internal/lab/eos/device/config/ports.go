package config

import "strconv"

// portNames are the ports that have a name, from configs/real-7280CR3A-4.34.0F (which has 862, 3333, 8503, 9340, 9559, 20000 as
// numbers) and EOS's manual. The numbers of EOS's own are those that its sorted list in MAIN-CONTROL-PLANE-ACL allows.
func portNames(proto string) map[string]int {
	both := map[string]int{"snmp": 161, "ldp": 646, "mlag": 4432, "domain": 53, "tacacs": 49}
	tcp := map[string]int{"bgp": 179, "ssh": 22, "telnet": 23, "www": 80, "https": 443, "msdp": 639, "netconf-ssh": 830, "gnmi": 6030, "nat": 4532, "smtp": 25, "ftp": 21}
	udp := map[string]int{"bfd": 3784, "bfd-echo": 3785, "multihop-bfd": 4784, "micro-bfd": 6784, "sbfd": 7784, "sbfd-initiator": 7785, "bootps": 67,
		"bootpc": 68, "ntp": 123, "ptp-event": 319, "ptp-general": 320, "rip": 520, "lsp-ping": 3503, "tftp": 69, "syslog": 514}
	own := tcp
	if proto == "udp" {
		own = udp
	}
	for name, n := range both {
		own[name] = n
	}
	return own
}

func portNumber(proto, typed string) (int, bool) {
	if n, known := portNames(proto)[typed]; known {
		return n, true
	}
	n, err := strconv.Atoi(typed)
	return n, err == nil && n >= 0 && n <= 65535
}

func portName(proto string, n int) string {
	for name, port := range portNames(proto) {
		if port == n {
			return name
		}
	}
	return strconv.Itoa(n)
}
