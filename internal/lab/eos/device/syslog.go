package device

import "fmt"

// syslog keeps a line as the buffer has it: "May 15 08:34:13 sw1 ConfigAgent: %SYS-5-...: text"
// (json/curated/syslog-commit-timer-4.32.txt).
func (d *Device) syslog(agent, mnemonic, format string, args ...any) {
	d.messages = append(d.messages, message{d.o.Now(),
		fmt.Sprintf("%s %s: %%%s: %s", d.hostname(), agent, mnemonic, fmt.Sprintf(format, args...))})
}

// Syslog lets a plane report what an agent of its would have (a daemon that ended, ProcMgr's lines).
func (d *Device) Syslog(agent, mnemonic, text string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.syslog(agent, mnemonic, "%s", text)
}
