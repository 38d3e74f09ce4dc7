package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"bisc/relaybin/ring"
	"bisc/relaybin/route"
)

// dry says what run would do with what is there now, and touches nothing.
func (s *settings) dry(_ context.Context, w io.Writer) error {
	device, missing := ring.Find(s.device)
	if missing == nil {
		fmt.Fprintf(w, "device: %s (number %d, %v)\n", device.Name, device.Index, device.Flags)
	} else {
		fmt.Fprintf(w, "device: %v; run waits for it\n", missing)
	}
	fmt.Fprintf(w, "reads: UDP to %v port %d, through a ring of %d MiB with a kernel filter\n", s.matchAddr, s.matchPort, s.ring)
	fmt.Fprintf(w, "sends: %s to %v, gso %s\n", s.form, s.to, s.gso)
	table, err := route.Open()
	if err != nil {
		return err
	}
	defer table.Close()
	now, err := table.Get(s.to.Addr())
	if err == nil {
		err = s.want().Judge(now)
	}
	switch {
	case err == nil:
		fmt.Fprintf(w, "route: right: %v, from %v\n", now, now.Source)
	case s.install:
		fmt.Fprintf(w, "route: %v; run installs %v proto %d\n", err, s.want(), route.Protocol)
	default:
		fmt.Fprintf(w, "route: %v; run sends nothing until it is right (--install-route makes it)\n", err)
	}
	if s.remove {
		fmt.Fprintf(w, "takes away the route to %v if --install-route made it, and exits\n", s.to.Addr())
	}
	if missing != nil && !errors.Is(missing, ring.ErrNoDevice) && !errors.Is(missing, ring.ErrAmbiguous) {
		return missing
	}
	return nil
}
