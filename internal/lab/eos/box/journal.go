package box

import (
	"fmt"
	"sync"
)

// journal is what the switch's Linux writes to its log, and what the emulation could not do.
type journal struct {
	mu       sync.Mutex
	lines    []string
	problems []string
}

func (j *journal) add(facility, text string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, fmt.Sprintf("%%%s: %s", facility, text))
}

func (j *journal) problem(err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.problems = append(j.problems, err.Error())
}

func (j *journal) read() (lines, problems []string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return append([]string(nil), j.lines...), append([]string(nil), j.problems...)
}
