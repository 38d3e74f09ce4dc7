package validator

import (
	"fmt"
	"os"
	"sync"
	"time"
)

// log is the validator's log, in the form of Rust's env_logger.
type log struct {
	mu   sync.Mutex
	name string
	file *os.File
}

// openLog appends to a file; "-" or none is standard error.
func openLog(name string) (*log, error) {
	if name == "" || name == "-" {
		return &log{file: os.Stderr}, nil
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	return &log{name: name, file: f}, err
}

func (l *log) info(format string, args ...any) { l.line("INFO ", format, args...) }
func (l *log) warn(format string, args ...any) { l.line("WARN ", format, args...) }
func (l *log) fail(format string, args ...any) { l.line("ERROR", format, args...) }

func (l *log) line(level, format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintf(l.file, "[%s %s agave_validator] %s\n", time.Now().UTC().Format("2006-01-02T15:04:05.000000000Z"), level, fmt.Sprintf(format, args...))
}

// reopen follows a file that was renamed, on SIGUSR1.
func (l *log) reopen() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.name == "" {
		return nil
	}
	f, err := os.OpenFile(l.name, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	l.file.Close()
	l.file = f
	return nil
}

func (l *log) sync() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.file.Sync()
}
