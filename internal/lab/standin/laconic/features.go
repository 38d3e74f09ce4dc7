package laconic

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Repository is the working copy that laconic-so runs from.
const Repository = "/home/rix/stack-orchestrator"

// FeaturesFile is in the repository, and in git.
const FeaturesFile = "lab-features.json"

// Features are what commits of laconic-so differ in (biscayne.md 3.3, 3.4).
type Features struct {
	MountRoot     bool `json:"mount_root"`     // honours kind-mount-root
	Propagation   bool `json:"propagation"`    // mounts are HostToContainer (929bdab8, a11d40f2)
	PortMappings  bool `json:"port_mappings"`  // the cluster publishes the stack's ports (fb69cc58)
	ManageCluster bool `json:"manage_cluster"` // start and stop make and destroy the cluster by default (before cc6acd5f)
	Prepare       bool `json:"prepare"`        // has the command prepare (974eed0c)
	SyncConfig    bool `json:"sync_config"`    // --update writes config.env too (72aabe7d)
}

func features() (f Features, err error) {
	name := filepath.Join(Repository, FeaturesFile)
	text, err := os.ReadFile(name)
	if err == nil {
		err = json.Unmarshal(text, &f)
	}
	if err != nil {
		return f, fmt.Errorf("the features of laconic-so: %w", err)
	}
	return f, nil
}

// FaultFile is the test's switch.
const FaultFile = "/var/lib/lab-laconic-so.json"

// Steps of a start, for Faults.HangAt.
const (
	StepCluster    = "cluster"    // the cluster is there, its images are not
	StepCaddy      = "caddy"      // in the middle of Caddy's objects
	StepVolumes    = "volumes"    // the namespace and the volumes are there, nothing else
	StepDeployment = "deployment" // the Deployment is there, its Service is not
)

// Faults are what a test switches on.
type Faults struct {
	// HangAt makes a start hang at a step, until it is killed: what an interrupted one leaves.
	HangAt string `json:"hang_at,omitempty"`
	// LoseService deletes the service kubernetes after the cluster was made, as the cleaning of a kept etcd does.
	LoseService bool `json:"lose_service,omitempty"`
	// LoadSeconds is how much longer the images take to load; 5 to 10 minutes on the real host.
	LoadSeconds float64 `json:"load_seconds,omitempty"`
	// Fails ends a start with this text once all objects are there.
	Fails string `json:"fails,omitempty"`
}

func faults() (f Faults, err error) {
	text, err := os.ReadFile(FaultFile)
	if errors.Is(err, fs.ErrNotExist) {
		return f, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &f)
	}
	if err != nil {
		return f, fmt.Errorf("the fault switch of laconic-so: %w", err)
	}
	return f, nil
}
