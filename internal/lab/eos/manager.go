package eos

import "bisc/internal/lab/eos/box"

// ManagerOptions say how the second manager behaves.
type ManagerOptions = box.ManagerArgs

// Manager is the second manager on a switch: see device.Manager.
type Manager struct{ c Control }

// Manager puts a second manager on the switch, in the place of one that is there. It does nothing until it is told to.
func (c Control) Manager(o ManagerOptions) (Manager, error) {
	return Manager{c}, c.call("Manager", o, &box.None{})
}

func (m Manager) do(what string) (went bool, err error) {
	return went, m.c.call("ManagerDo", what, &went)
}

// Cycle is one poll, without the delay.
func (m Manager) Cycle() error { _, err := m.do("cycle"); return err }

// Begin is the first half of a poll, up to the session with its text in it; went tells whether there is a second half.
func (m Manager) Begin() (went bool, err error) { return m.do("begin") }

// End is the second half: diff, commit or abort, save.
func (m Manager) End() error { _, err := m.do("end"); return err }

// Run has it poll by itself, until Halt.
func (m Manager) Run() error { _, err := m.do("run"); return err }

// Halt ends Run.
func (m Manager) Halt() error { _, err := m.do("halt"); return err }
