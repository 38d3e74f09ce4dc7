package box

import (
	"fmt"
	"sync"
)

// journal is what the switch's Linux writes to its log, and what the emulation could not do.
type journal struct {
	mu       sync.Mutex
	lines    []line
	told     int // lines that the device has
	problems []string
}

// line is an agent's: %MNEMONIC: text.
type line struct{ agent, mnemonic, text string }

// add keeps a line for the device. It does not tell it at once: whoever writes may be waited for by the device itself.
func (j *journal) add(mnemonic, text string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	agent := "ProcMgr"
	if len(mnemonic) > 4 && mnemonic[:4] == "SYS-" {
		agent = "EventMgr" // [I]
	}
	j.lines = append(j.lines, line{agent, mnemonic, text})
}

// tell gives the lines that are new.
func (j *journal) tell(syslog func(agent, mnemonic, text string)) {
	j.mu.Lock()
	lines := j.lines[j.told:]
	j.told = len(j.lines)
	j.mu.Unlock()
	for _, l := range lines {
		syslog(l.agent, l.mnemonic, l.text)
	}
}

func (j *journal) problem(err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.problems = append(j.problems, err.Error())
}

func (j *journal) read() (lines, problems []string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, l := range j.lines {
		lines = append(lines, fmt.Sprintf("%%%s: %s", l.mnemonic, l.text))
	}
	return lines, append([]string(nil), j.problems...)
}
