package device

// Privilege lets a context begin at "#", or at ">", as authorization at the login does, whatever the flag LoginPrivileged says: a
// terminal and a single command may differ in it (eos.md 1, [I]).
func (s *Shell) Privilege(on bool) {
	s.d.mu.Lock()
	defer s.d.mu.Unlock()
	s.privileged = on
}

// Exact has words of the configuration taken only whole, as eAPI does without autoComplete (eos.md A.1) [V].
func (s *Shell) Exact(on bool) { s.exact = on }
