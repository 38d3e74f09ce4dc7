package validator

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"time"
)

// RunsFile is the record of what processes there were, in the folder of --log (of --ledger without it): wiping a ledger or the
// accounts does not take it.
const RunsFile = ".lab-runs"

// What a Run tells.
const (
	Started = "started" // holds the ledger
	Refused = "refused" // found the ledger taken: a second validator was started beside a live one
	Failed  = "failed"  // ended by itself with a status other than 0
	Exited  = "exited"  // cleanly
	Purged  = "purged"  // a foreign archive, File
)

// Run is one line of RunsFile. A validator that was killed has a Started and nothing after it.
type Run struct {
	Event string    `json:"event"`
	At    time.Time `json:"at"`
	Start time.Time `json:"start"`         // of the process: its identity, as the pid in the pod is always 1
	Pod   string    `json:"pod,omitempty"` // its UID; "" outside of one
	Args  []string  `json:"args,omitempty"`
	File  string    `json:"file,omitempty"`
	Why   string    `json:"why,omitempty"`
	Slot  uint64    `json:"slot,omitempty"`
}

// ReadRuns returns the record in a folder; no record is no runs.
func ReadRuns(folder string) ([]Run, error) {
	f, err := os.Open(filepath.Join(folder, RunsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var runs []Run
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var r Run
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name(), err)
		}
		runs = append(runs, r)
	}
	return runs, nil
}

// trace writes the record.
type trace struct {
	folder string
	start  time.Time
	pod    string
}

// inPod is where a kubelet keeps what a container says as it ends (/dev/termination-log): the one mount of every container, in the node's
// network or not, that names its pod.
var inPod = regexp.MustCompile(`/pods/([0-9a-f-]{36})/containers/\S+ /dev/termination-log `)

// podOf finds the pod's UID in a container's mountinfo.
func podOf(mountinfo string) string {
	if m := inPod.FindStringSubmatch(mountinfo); m != nil {
		return m[1]
	}
	return ""
}

func (t trace) add(r Run) error {
	r.At, r.Start, r.Pod = time.Now().UTC(), t.start, t.pod
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(t.folder, RunsFile), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(append(text, '\n'))
	return errors.Join(err, f.Close())
}
