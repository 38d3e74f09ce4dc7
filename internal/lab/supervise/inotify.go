package supervise

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// instances is how many inotify instances one user may have on the machine. Each host's systemd takes several, and all
// are root's: at the usual 128 the twentieth host hangs at boot without a message.
const (
	instances       = "/proc/sys/fs/inotify/max_user_instances"
	instancesWanted = 8192
)

// wasFile keeps the number that was there before the first lab.
const wasFile = runDir + "/inotify"

// raiseInotify raises the limit; the caller holds the records' lock.
func raiseInotify() error {
	text, err := os.ReadFile(instances)
	if err != nil {
		return fmt.Errorf("read the inotify limit: %w", err)
	}
	if now, err := strconv.Atoi(strings.TrimSpace(string(text))); err != nil || now >= instancesWanted {
		return err
	}
	if err := os.WriteFile(wasFile, text, 0o644); err != nil {
		return fmt.Errorf("keep the inotify limit: %w", err)
	}
	if err := os.WriteFile(instances, []byte(strconv.Itoa(instancesWanted)), 0o644); err != nil {
		return fmt.Errorf("raise the inotify limit: %w", err)
	}
	return nil
}

// restoreInotify puts the limit back when no lab is left; the caller holds the records' lock.
func restoreInotify() error {
	if left, _ := filepath.Glob(filepath.Join(runDir, "*-*")); len(left) > 0 {
		return nil
	}
	text, err := os.ReadFile(wasFile)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("restore the inotify limit: %w", err)
	}
	if err := os.WriteFile(instances, text, 0o644); err != nil {
		return fmt.Errorf("restore the inotify limit: %w", err)
	}
	return os.Remove(wasFile)
}
