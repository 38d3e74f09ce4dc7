package box

import (
	"context"
	"errors"
	"sync"
	"time"

	"bisc/internal/lab/eos/device"
)

// ManagerArgs say how the second manager behaves: device.ManagerOptions has the words.
type ManagerArgs struct {
	Text           string
	Delay, Period  time.Duration
	SavesUnderLock bool
	LockAge        time.Duration
}

// manager is the switch's second manager, if it has one.
type manager struct {
	mu   sync.Mutex
	one  *device.Manager
	stop context.CancelFunc // of one that runs by itself
	over chan struct{}
}

// halt ends a manager that runs by itself; the lock is held.
func (m *manager) halt() {
	if m.stop != nil {
		m.stop()
		<-m.over
		m.stop = nil
	}
}

// Manager puts a second manager on the switch, in the place of one that is there. It does nothing until it is told to.
func (c *Control) Manager(args ManagerArgs, _ *None) error {
	m := &c.box.manager
	m.mu.Lock()
	defer m.mu.Unlock()
	m.halt()
	m.one = c.box.device.SecondManager(device.ManagerOptions{Text: func() string { return args.Text }, Delay: args.Delay, Period: args.Period,
		SavesUnderLock: args.SavesUnderLock, LockAge: args.LockAge})
	return nil
}

// ManagerDo has it do something: "cycle", "begin", "end"; "run" polls by itself until "halt". went is Begin's.
func (c *Control) ManagerDo(what string, went *bool) (err error) {
	m := &c.box.manager
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.one == nil {
		return errors.New("the switch has no second manager")
	}
	if what != "run" {
		m.halt()
	}
	switch what {
	case "cycle":
		return m.one.Cycle()
	case "begin":
		*went, err = m.one.Begin()
		return err
	case "end":
		return m.one.End()
	case "halt":
		return nil
	case "run":
		if m.stop != nil {
			return errors.New("the second manager runs already")
		}
		ctx, stop := context.WithCancel(context.Background())
		over := make(chan struct{})
		m.stop, m.over = stop, over
		go func() {
			defer close(over)
			m.one.Run(ctx)
		}()
		return nil
	}
	return errors.New("the second manager cannot " + what)
}
