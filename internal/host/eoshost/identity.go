package eoshost

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// identity is which switch this is, and which boot of it.
type identity struct{ hostname, serial, mac, boot, version, model, architecture string }

// machine tells chassis apart.
func (i identity) machine() string { return i.serial + "/" + i.mac }

// ErrOtherSwitch: what answers is not the switch that the inventory means.
var ErrOtherSwitch = errors.New("this is another switch")

// identify switches the pager off and finds out which switch this is, in one flight: a show of the version is short enough for
// any terminal. Nothing else is asked of a switch that is not the one meant (biscayne.md, incidents 48 and 50).
func (c *console) identify(ctx context.Context, cfg Config) (identity, error) {
	commands := append(prepare(), "show hostname | json", "show version | json", "bash timeout 10 cat /proc/sys/kernel/random/boot_id </dev/null")
	answers, err := c.all(ctx, commands...)
	if err != nil {
		return identity{}, fmt.Errorf("%s: asking which switch it is: %w", c.conn.Place(), err)
	}
	c.prepared(answers)
	is, err := readIdentity(answers[2], answers[3])
	if err != nil {
		return identity{}, fmt.Errorf("%s: asking which switch it is: %w", c.conn.Place(), err)
	}
	if boot := strings.TrimSpace(answers[4]); bootID.MatchString(boot) { // a user who may not run bash has none
		is.boot = boot
	}
	return is, is.check(c.conn.Place(), cfg)
}

// bootID is the form of the kernel's.
var bootID = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// prepare is what is typed first at a prompt: no pager, no line ever broken.
func prepare() []string { return []string{"terminal length 0", "terminal width 32767"} }

// all asks commands in one flight, or one by one where nothing may be typed ahead.
func (c *console) all(ctx context.Context, commands ...string) (answers []string, err error) {
	if !c.careful {
		return c.fly(ctx, silence, commands...)
	}
	for _, command := range commands {
		answer, err := c.slowly(ctx, silence, command)
		if err != nil {
			return nil, err
		}
		answers = append(answers, answer)
	}
	return answers, nil
}

// prepared judges its answers: without the switch's word [V] the pager may still come.
func (c *console) prepared(answers []string) {
	c.careful = c.careful || !strings.Contains(answers[0], "Pagination disabled")
}

// readIdentity reads what a switch says of itself. A key that is missing is not a mismatch but an answer that is not understood.
func readIdentity(hostname, version string) (identity, error) {
	var name struct{ Hostname *string }
	if err := json.Unmarshal([]byte(hostname), &name); err != nil || name.Hostname == nil {
		return identity{}, fmt.Errorf("show hostname | json is not understood: %.200q", hostname)
	}
	var v struct {
		SerialNumber, SystemMacAddress, Version, ModelName, Architecture *string
		BootupTimestamp                                                  *json.Number
	}
	if err := json.Unmarshal([]byte(version), &v); err != nil || v.SerialNumber == nil || v.SystemMacAddress == nil || v.BootupTimestamp == nil || v.Version == nil {
		return identity{}, fmt.Errorf("show version | json is not understood: %.200q", version)
	}
	boot, err := strconv.ParseFloat(v.BootupTimestamp.String(), 64)
	if err != nil {
		return identity{}, fmt.Errorf("show version | json: bootupTimestamp: %w", err)
	}
	// Where the kernel's boot id is not to be had: whole seconds, since it is what the clock says less the uptime.
	is := identity{hostname: *name.Hostname, serial: *v.SerialNumber, mac: *v.SystemMacAddress, version: *v.Version, boot: strconv.FormatInt(int64(boot), 10)}
	if v.ModelName != nil {
		is.model = *v.ModelName
	}
	if v.Architecture != nil {
		is.architecture = *v.Architecture
	}
	return is, nil
}

// otherRemedy is what to do about another switch: the address is the likelier fault.
const otherRemedy = "Look at the address (bisc hosts --explain); if this is the one meant, mend the inventory"

// check compares with what the inventory says.
func (i identity) check(place string, cfg Config) error {
	if cfg.Hostname != "" && i.hostname != cfg.Hostname {
		return fmt.Errorf("%s: %w: it calls itself %q, and the inventory's hostname is %q: nothing else was asked of it. %s", place, ErrOtherSwitch, i.hostname, cfg.Hostname, otherRemedy)
	}
	if cfg.Serial != "" && i.serial != cfg.Serial {
		return fmt.Errorf("%s: %w: its serial number is %q, and the inventory's serial is %q: nothing else was asked of it. %s", place, ErrOtherSwitch, i.serial, cfg.Serial, otherRemedy)
	}
	return nil
}
