package linux

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Agent is a daemon of the configuration: daemon NAME / exec EXEC / no shutdown.
type Agent struct {
	Name string
	// Exec is a command line, cut at spaces: no shell sees it. [I] the reference, D.2.
	Exec    string
	Enabled bool // no shutdown
}

// AgentState is what ProcMgr knows of an agent.
type AgentState struct {
	Running  bool
	PID      int // as the switch's programs see it; 0 while none runs
	Started  time.Time
	Starts   int // since the boot
	LastExit string
}

// ProcMgr runs agents as root in the switch's default network namespace, and starts again at once what has ended, however it did.
// [V] the reference, D.1 and D.2. What an agent says goes to /var/log/agents/NAME-PID.
type ProcMgr struct {
	system *System
	mu     sync.Mutex
	agents map[string]*agent
}

// agent is one that is enabled.
type agent struct {
	Agent
	state   AgentState
	process *os.Process
	stop    chan struct{}
	ended   chan struct{}
}

func newProcMgr(s *System) *ProcMgr { return &ProcMgr{system: s, agents: map[string]*agent{}} }

// Set has these agents run and no others, and returns when those that are to stop have. One whose exec line has changed goes on with
// the old one until it ends: [I] the reference, D.2 (a change may need shutdown and no shutdown).
func (m *ProcMgr) Set(wanted []Agent) {
	m.mu.Lock()
	enabled := map[string]Agent{}
	for _, w := range wanted {
		if w.Enabled && strings.TrimSpace(w.Exec) != "" {
			enabled[w.Name] = w
		}
	}
	var stopping []*agent
	for name, a := range m.agents {
		if _, ok := enabled[name]; !ok {
			stopping = append(stopping, a)
			delete(m.agents, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(enabled)) {
		if a, ok := m.agents[name]; ok {
			a.Agent = enabled[name]
			continue
		}
		a := &agent{Agent: enabled[name], stop: make(chan struct{}), ended: make(chan struct{})}
		m.agents[name] = a
		go m.keep(a)
	}
	m.mu.Unlock()
	for _, a := range stopping {
		m.end(a)
	}
}

// stopAll ends all agents, at a reload.
func (m *ProcMgr) stopAll() { m.Set(nil) }

// endLimit is how long an agent has between SIGTERM and SIGKILL. [U] on EOS.
const endLimit = 3 * time.Second

// end ends an agent that is no longer in the list.
func (m *ProcMgr) end(a *agent) {
	close(a.stop)
	m.signal(a, unix.SIGTERM)
	select {
	case <-a.ended:
	case <-time.After(endLimit):
		m.signal(a, unix.SIGKILL)
		<-a.ended
	}
}

func (m *ProcMgr) signal(a *agent, s syscall.Signal) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if a.process != nil {
		_ = a.process.Signal(s) // it may have ended by itself
	}
}

// keep runs an agent again and again until it is stopped.
func (m *ProcMgr) keep(a *agent) {
	defer close(a.ended)
	for {
		how := m.once(a)
		select {
		case <-a.stop:
			return
		default:
		}
		// The words of the log are [I] by the names that the reference has as [V].
		m.system.opts.Log("PROCMGR-6-PROCESS_TERMINATED", fmt.Sprintf("'%s' %s", a.Name, how))
		select {
		case <-a.stop:
			return
		case <-time.After(m.system.opts.Pause):
		}
		m.system.opts.Log("PROCMGR-6-PROCESS_RESTART", fmt.Sprintf("Restarting '%s' immediately", a.Name))
	}
}

// once runs an agent until it ends, and says how.
func (m *ProcMgr) once(a *agent) (how string) {
	m.mu.Lock()
	argv := strings.Fields(a.Exec)
	m.mu.Unlock()
	log, err := os.CreateTemp(m.system.Path("/var/log/agents"), "."+a.Name+"-")
	if err != nil {
		return fmt.Sprintf("has no log: %v", err)
	}
	defer log.Close()
	cmd := &exec.Cmd{Path: argv[0], Args: argv, Dir: "/", Env: append(searchPath(), "HOME=/root", "AGENT="+a.Name), Stdout: log, Stderr: log,
		SysProcAttr: &syscall.SysProcAttr{Setsid: true}}
	if err := m.begin(a, cmd); err != nil {
		fmt.Fprintf(log, "%s: %v\n", argv[0], err)
		_ = os.Rename(log.Name(), m.system.Path(fmt.Sprintf("/var/log/agents/%s-0", a.Name))) // only a log
		m.ended(a, err.Error())
		return "did not start: " + err.Error()
	}
	_ = os.Rename(log.Name(), m.system.Path(fmt.Sprintf("/var/log/agents/%s-%d", a.Name, cmd.Process.Pid)))
	m.system.opts.Log("PROCMGR-6-PROCESS_STARTED", fmt.Sprintf("'%s' starting with PID=%d (PPID=1) -- execing '%s'", a.Name, cmd.Process.Pid, argv[0]))
	_ = cmd.Wait() // its state says it
	m.ended(a, cmd.ProcessState.String())
	return fmt.Sprintf("(PID=%d) has terminated: %s", cmd.Process.Pid, cmd.ProcessState)
}

// begin starts the process, unless the agent is to stop: who stops it sees either the process or none, ever.
func (m *ProcMgr) begin(a *agent, cmd *exec.Cmd) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	select {
	case <-a.stop:
		return fmt.Errorf("shut down")
	default:
	}
	a.state.Starts++
	if err := m.system.start(cmd); err != nil {
		return err
	}
	a.process = cmd.Process
	a.state.Running, a.state.PID, a.state.Started = true, cmd.Process.Pid, time.Now()
	return nil
}

func (m *ProcMgr) ended(a *agent, how string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	a.process = nil
	a.state.Running, a.state.PID, a.state.LastExit = false, 0, how
}

// State is what is known of an agent; false: it is not to run.
func (m *ProcMgr) State(name string) (AgentState, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	a, ok := m.agents[name]
	if !ok {
		return AgentState{}, false
	}
	return a.state, true
}
