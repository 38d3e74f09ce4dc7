package device

import (
	"fmt"
	"strings"
)

// showHealth are what checks of a switch's health ask besides (eos.md E). What a plane does not know is what a quiet switch says.
func showHealth() []shower {
	plain := func(f func(d *Device) answer) func(*Shell, []string) (answer, error) {
		return func(s *Shell, _ []string) (answer, error) { return f(s.d), nil }
	}
	return []shower{
		{words: "processes top once", answer: plain((*Device).showTop)},
		{words: "ntp status", open: true, answer: plain(func(*Device) answer { return answer{text: "unsynchronised\npoll interval unknown\n"} })},
		{words: "ntp associations", open: true, answer: plain((*Device).showNTP)},
		{words: "lldp neighbors detail", open: true, answer: plain(func(*Device) answer { return answer{"", object{{"lldpNeighbors", object{}}}} })},
		{words: "system coredump", answer: plain(func(*Device) answer {
			return answer{"Mode: compressed\n", object{{"mode", "compressed"}, {"coreFiles", []string{}}}}
		})},
		{words: "agent logs crash", answer: plain(func(*Device) answer { return answer{} })},
	}
}

// showTop: show/anta/show_processes_top_once; the processes are the daemons that run.
func (d *Device) showTop() answer {
	processes := object{}
	for _, c := range d.view().Daemons {
		if state := d.o.Plane.Daemon(c.Name); state.Running {
			processes = append(processes, field{fmt.Sprint(state.PID), object{{"cmd", c.Name}, {"cpuPct", 0.1}, {"residentMem", "10000"}, {"userName", "root"}}})
		}
	}
	return answer{"top - load average: 0.10, 0.10, 0.10\n%Cpu(s):  5.0 us,  5.0 sy,  0.0 ni, 90.0 id\n",
		object{{"timeInfo", object{{"loadAvg", []float64{0.1, 0.1, 0.1}}}}, {"cpuInfo", object{{"%Cpu(s)", object{{"user", 5.0}, {"system", 5.0},
			{"nice", 0.0}, {"idle", 90.0}}}}}, {"memInfo", object{}}, {"processes", processes}}}
}

// showNTP: show/anta/show_ntp_associations. No server is reached from here.
func (d *Device) showNTP() answer {
	peers := object{}
	for _, n := range d.running.Top() {
		if rest, is := strings.CutPrefix(n.Line, "ntp server "); is {
			w := strings.Fields(rest)
			if w[0] == "vrf" {
				w = w[2:]
			}
			peers = append(peers, field{w[0], object{{"condition", "reject"}, {"peerIpAddr", w[0]}, {"stratumLevel", 16}}})
		}
	}
	return answer{"", object{{"peers", peers}}}
}
