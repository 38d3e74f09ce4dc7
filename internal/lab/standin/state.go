package standin

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"bisc/internal/lab/spec"
)

// stateDir is where pools and datasets are kept; it is on the root disk and so survives a reboot.
const stateDir = "/var/lib/lab-zfs"

// StateFile is the state's path in a host.
const StateFile = stateDir + "/state.json"

// state is all pools and datasets of a host.
type state struct {
	Pools    map[string]*pool    `json:"pools"`
	Datasets map[string]*dataset `json:"datasets"` // by name; each pool has one of its own name
}

type pool struct {
	Size   int64             `json:"size"` // bytes
	Health string            `json:"health"`
	Props  map[string]string `json:"props,omitempty"`
}

type dataset struct {
	Volume  bool              `json:"volume,omitempty"`
	Size    int64             `json:"size,omitempty"`  // of a volume
	Block   int64             `json:"block,omitempty"` // of a volume: volblocksize
	Props   map[string]string `json:"props,omitempty"` // set here, not inherited
	Created int64             `json:"created"`
}

// Initial returns the state of a host that has pools from its first boot.
func Initial(pools []spec.Pool) ([]byte, error) {
	s := state{Pools: map[string]*pool{}, Datasets: map[string]*dataset{}}
	for _, p := range pools {
		s.addPool(p.Name, p.Size)
	}
	return json.Marshal(s)
}

func (s *state) addPool(name string, size int64) {
	s.Pools[name] = &pool{Size: size, Health: "ONLINE", Props: map[string]string{}}
	s.Datasets[name] = &dataset{Props: map[string]string{}, Created: time.Now().Unix()}
}

// load reads the state. A reader takes no lock and writes nothing: the state is replaced as a whole.
func load() (*state, error) {
	text, err := os.ReadFile(StateFile)
	if os.IsNotExist(err) {
		text, err = Initial(nil)
	}
	if err != nil {
		return nil, fmt.Errorf("read the pools: %w", err)
	}
	s := new(state)
	if err := json.Unmarshal(text, s); err != nil {
		return nil, fmt.Errorf("read the pools: %w", err)
	}
	for _, d := range s.Datasets {
		if d.Props == nil {
			d.Props = map[string]string{}
		}
	}
	return s, nil
}

// update loads the state, changes it and keeps it if change did not fail. One at a time.
func update(change func(*state) error) error {
	if err := os.MkdirAll(stateDir, 0o755); err != nil {
		return fmt.Errorf("keep the pools: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(stateDir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("keep the pools: %w", err)
	}
	defer lock.Close()
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil {
		return fmt.Errorf("keep the pools: %w", err)
	}
	s, err := load()
	if err != nil {
		return err
	}
	if err := change(s); err != nil {
		return err
	}
	text, err := json.MarshalIndent(s, "", "\t")
	if err != nil {
		return fmt.Errorf("keep the pools: %w", err)
	}
	if err := os.WriteFile(StateFile+".new", text, 0o600); err != nil {
		return fmt.Errorf("keep the pools: %w", err)
	}
	return os.Rename(StateFile+".new", StateFile)
}

// names returns the datasets' names in order: a parent before its children.
func (s *state) names() []string {
	var names []string
	for name := range s.Datasets {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// under returns name and all below it, in order.
func (s *state) under(name string) []string {
	return slices.DeleteFunc(s.names(), func(n string) bool { return n != name && !strings.HasPrefix(n, name+"/") })
}

// find returns a dataset, or zfs' own complaint.
func (s *state) find(name string) (*dataset, error) {
	d := s.Datasets[name]
	if d == nil {
		return nil, fmt.Errorf("cannot open '%s': dataset does not exist", name)
	}
	return d, nil
}

func parent(name string) string {
	i := strings.LastIndexByte(name, '/')
	return name[:max(i, 0)]
}

func poolOf(name string) string {
	pool, _, _ := strings.Cut(name, "/")
	return pool
}

// guid is a number that stays the same for a name and a time.
func guid(name string, created int64) uint64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "%s@%d", name, created)
	return h.Sum64()
}
