package plane

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"bisc/internal/lab/eos/device"
)

// makeVRFs gives each VRF a network namespace, ns-NAME. [V] the reference, C.3. Each boot's root has their names.
func (p *Plane) makeVRFs(view device.View) error {
	var errs []error
	for _, name := range view.VRFs {
		if name == "default" || p.vrfs[name] != nil {
			continue
		}
		s, err := newSpace("ns-" + name)
		if err != nil {
			return err
		}
		p.vrfs[name] = s
	}
	for name, s := range p.vrfs {
		errs = append(errs, p.system.NameNetns("ns-"+name, s.file))
	}
	return errors.Join(append(errs, p.system.NameNetns(p.options.DefaultNetns, p.home.file))...)
}

// dropVRFs removes those that the configuration no longer has. Their ports are elsewhere by now.
func (p *Plane) dropVRFs(view device.View) error {
	var errs []error
	for name, s := range p.vrfs {
		if !slices.Contains(view.VRFs, name) {
			errs = append(errs, p.dropVRF(name, s))
		}
	}
	return errors.Join(errs...)
}

func (p *Plane) dropVRF(name string, s *space) error {
	for _, port := range p.ports {
		if port.space == s {
			if err := p.moveTo(port, p.home); err != nil {
				return fmt.Errorf("drop VRF %s: %w", name, err)
			}
		}
	}
	delete(p.vrfs, name)
	s.close()
	return p.system.UnnameNetns("ns-" + name)
}

// Netns is the open file of the switch's default namespace.
func (p *Plane) Netns() *os.File { return p.home.file }
