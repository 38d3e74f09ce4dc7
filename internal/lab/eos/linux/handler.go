package linux

import (
	"context"
	"fmt"
	"os"
	"time"
)

// handlerLimit is how long an event handler may take. [I] EOS has 10 s unless the configuration says otherwise (timeout).
const handlerLimit = 10 * time.Second

// Handler runs an event handler's command as root, unless the switch was reloaded since the given boot. What it says goes to
// /var/log/event-handler-NAME ([I] the place).
func (s *System) Handler(boot int, name, command string) {
	if s.Boots() != boot {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), handlerLimit)
	defer cancel()
	s.opts.Log("SYS-6-EVENT_TRIGGERED", fmt.Sprintf("Event handler %s was activated", name))
	said, err := s.Script(ctx, command)
	if err != nil {
		said = fmt.Appendf(said, "%v\n", err)
		s.opts.Log("SYS-4-EVENT_HANDLER_FAILED", fmt.Sprintf("Event handler %s: %v", name, err))
	}
	_ = os.WriteFile(s.Path("/var/log/event-handler-"+name), said, 0o644) // a reload may have taken the place away
}
