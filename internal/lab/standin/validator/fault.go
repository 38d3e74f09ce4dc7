package validator

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"bisc/internal/lab/solana/slot"
)

// FaultFile is the switch, in the ledger's folder. It is read over and over: a change works at once, but for what says otherwise.
const FaultFile = ".lab.json"

// How a validator behaves when it is asked to exit.
const (
	ExitSlow     = "slow"     // takes ExitSeconds
	ExitStubborn = "stubborn" // answers, and goes on
	ExitDeaf     = "deaf"     // does not answer on the admin socket
	ExitDirty    = "dirty"    // ends with status 101 and without the line of a clean exit, as after a panic
)

// What answers on the RPC port of a validator that has started.
const (
	RPCSilent    = "silent"    // takes connections and says nothing
	RPCClosed    = "closed"    // listens no more
	RPCUnhealthy = "unhealthy" // does not know how far behind it is
)

// Fault changes a stand-in's behaviour. The zero value is a validator that is well.
type Fault struct {
	Exit        string  `json:"exit,omitempty"`
	ExitSeconds float64 `json:"exit_seconds,omitempty"`

	// StartSeconds is how long the start is silent, 1 when it is not set; read at the start.
	StartSeconds float64 `json:"start_seconds,omitempty"`
	// StartFails is why the start ends with status 1, a crash loop's cause; read at the start.
	StartFails string `json:"start_fails,omitempty"`

	Clock  slot.Clock `json:"clock,omitzero"`   // the cluster's; the default clock when it is not set
	Behind uint64     `json:"behind,omitempty"` // how many slots it never gets closer than
	Rate   float64    `json:"rate,omitempty"`   // slots replayed a second while it catches up, 1000 when it is not set
	// IncompleteEvery n leaves every nth slot that comes in without all its shreds; 0 is none.
	IncompleteEvery uint64 `json:"incomplete_every,omitempty"`

	RPC string `json:"rpc,omitempty"`
	// Purge is how often foreign archives are purged, 1s when it is not set; negative is never.
	PurgeSeconds float64 `json:"purge_seconds,omitempty"`
	// Memory is how many MiB it holds.
	Memory int `json:"memory,omitempty"`
}

// readFault reads the switch. What cannot be read is an error of the test, which it has to see: the validator ends.
func readFault(ledger string) (Fault, error) {
	text, err := os.ReadFile(filepath.Join(ledger, FaultFile))
	if errors.Is(err, fs.ErrNotExist) {
		return Fault{}, nil
	}
	var f Fault
	if err == nil {
		err = json.Unmarshal(text, &f)
	}
	if err != nil {
		return f, fmt.Errorf("read the fault switch: %w", err)
	}
	return f, nil
}

// WriteFault sets the switch of the validator with this ledger, seen from the caller; all at once, as it is read all the time.
func WriteFault(ledger string, f Fault) error {
	text, err := json.Marshal(f)
	if err != nil {
		return err
	}
	temp := filepath.Join(ledger, FaultFile+".new")
	if err := os.WriteFile(temp, text, 0o644); err != nil {
		return err
	}
	return os.Rename(temp, filepath.Join(ledger, FaultFile))
}

func seconds(n float64) time.Duration { return time.Duration(n * float64(time.Second)) }
