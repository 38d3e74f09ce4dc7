package validator

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

// adminTimeout is how long a program waits for an answer on the admin socket.
const adminTimeout = 60 * time.Second

// callAdmin asks a running validator.
func callAdmin(ledger, method string, into any) error {
	c, err := net.Dial("unix", adminSocket(ledger))
	if err != nil {
		return fmt.Errorf("Unable to connect to validator: %w", err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(adminTimeout)); err != nil {
		return err
	}
	if err := json.NewEncoder(c).Encode(request{Version: "2.0", ID: 1, Method: method}); err != nil {
		return err
	}
	var got answer
	if err := json.NewDecoder(c).Decode(&got); err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	if got.Error != nil {
		return fmt.Errorf("%s: %w", method, got.Error)
	}
	return json.Unmarshal(got.Result, into)
}

// askToExit is agave-validator exit: it asks, and waits until the process has ended unless it is told not to. Without --force it
// waits first until the validator is healthy, which stands for the restart window.
func askToExit(line commandLine) int {
	ledger := line.ledger()
	var pid int
	if err := callAdmin(ledger, "pid", &pid); err != nil {
		return fail("exit request failed: %v", err)
	}
	flagged := func(name string) bool { _, ok := line.commandFlags[name]; return ok }
	if !flagged("force") {
		if err := waitForWindow(ledger); err != nil {
			return fail("wait for restart window failed: %v", err)
		}
	}
	var null any
	if err := callAdmin(ledger, "exit", &null); err != nil {
		return fail("exit request failed: %v", err)
	}
	fmt.Println("Exit request sent")
	if flagged("no-wait-for-exit") {
		return 0
	}
	fmt.Printf("Waiting for agave-validator process %d to terminate\n", pid)
	// As the real one: by kill(2) with signal 0. Asked from outside of the pid namespace the number is another process's, and this waits
	// for ever; asked from inside, it is killed when PID 1 ends.
	for syscall.Kill(pid, 0) == nil {
		time.Sleep(500 * time.Millisecond)
	}
	fmt.Printf("Done, agave-validator process %d has terminated\n", pid)
	return 0
}

func waitForWindow(ledger string) error {
	fmt.Println("Waiting for a restart window")
	for {
		var progress any
		if err := callAdmin(ledger, "startProgress", &progress); err != nil {
			return err
		}
		if progress == "Running" {
			return nil
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// contactInfo is agave-validator contact-info.
func contactInfo(line commandLine) int {
	var info map[string]any
	if err := callAdmin(line.ledger(), "contactInfo", &info); err != nil {
		return fail("contact info query failed: %v", err)
	}
	if line.commandFlags["output"] == "json" {
		text, _ := json.MarshalIndent(info, "", "  ") // was JSON
		fmt.Println(string(text))
		return 0
	}
	fmt.Printf("Identity: %v\n", info["id"])
	for _, name := range [][2]string{{"Gossip", "gossip"}, {"TVU", "tvu"}, {"TPU", "tpu"}, {"TPU QUIC", "tpuQuic"}, {"Serve Repair", "serveRepair"}, {"RPC", "rpc"}} {
		fmt.Printf("%s: %v\n", name[0], info[name[1]])
	}
	fmt.Printf("Shred Version: %v\n", info["shredVersion"])
	return 0
}

// take locks the ledger as the real one does, and the record beside its log: a second validator finds at least one of them taken,
// even if somebody emptied the ledger under the first.
func take(folders ...string) (release func(), err error) {
	var held []*os.File
	release = func() {
		for _, f := range slices.Backward(held) {
			f.Close()
		}
	}
	for i, folder := range folders {
		name := filepath.Join(folder, "ledger.lock")
		if i > 0 {
			name = filepath.Join(folder, ".lab-lock")
		}
		f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o644)
		if err != nil {
			release()
			return nil, err
		}
		held = append(held, f)
		if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
			release()
			return nil, errTaken
		}
	}
	return release, nil
}

var errTaken = errors.New("another validator holds the ledger")

func mkdirs(folders ...string) error {
	for _, folder := range folders {
		if err := os.MkdirAll(folder, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return nil
}
