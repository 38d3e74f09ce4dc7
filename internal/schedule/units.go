package schedule

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/unit"
)

// firstRound is how soon after the timer's start the first round comes, at most: an operator sees soon that it runs.
const firstRound = 5 * time.Second

// Units gives the texts of the service and of its timer.
func (s Spec) Units() (service, timer string, err error) {
	if err := s.check(); err != nil {
		return "", "", fmt.Errorf("the schedule %s: %w", s.Name, err)
	}
	if service, err = s.service(); err != nil {
		return "", "", err
	}
	timer, err = s.timer()
	return service, timer, err
}

// options are a unit being written.
type options []*unit.UnitOption

func (o *options) add(section, name string, values ...string) {
	for _, v := range values {
		*o = append(*o, unit.NewUnitOption(section, name, v))
	}
}

func (o options) text() (string, error) {
	b, err := io.ReadAll(unit.Serialize(o))
	if err != nil {
		return "", fmt.Errorf("writing the unit: %w", err)
	}
	return sealed(string(b)), nil
}

func (s Spec) timer() (string, error) {
	var o options
	o.add("Unit", "Description", "bisc looks for drift: "+s.Name)
	if s.OnCalendar != "" {
		o.add("Timer", "OnCalendar", s.OnCalendar)
		o.add("Timer", "Persistent", "true") // a round that was slept through is made up for, once
	} else {
		// Both by the monotonic clock, and from the end of a round: a clock that is set makes rounds neither burst nor
		// stop, and a slow round makes none pile up.
		o.add("Timer", "OnActiveSec", span(min(s.Every, firstRound)))
		o.add("Timer", "OnUnitInactiveSec", span(s.Every))
	}
	o.add("Timer", "RandomizedDelaySec", span(s.Jitter))
	o.add("Timer", "AccuracySec", "1s")
	o.add("Install", "WantedBy", "timers.target")
	return o.text()
}

func (s Spec) service() (string, error) {
	var o options
	o.add("Unit", "Description", "bisc looks for drift, once: "+s.Name)
	if s.Remote && !s.PerUser {
		o.add("Unit", "Wants", "network-online.target")
		o.add("Unit", "After", "network-online.target")
	}
	set := func(name string, values ...string) { o.add("Service", name, values...) }
	set("Type", "oneshot") // systemd starts no second while one is at work
	words := []string{s.Bisc}
	for _, a := range s.Args {
		words = append(words, word(a))
	}
	set("ExecStart", strings.Join(words, " "))
	// Drift is no failure of the unit: the exit status, the textfile and the journal tell. 1 and 6 are.
	set("SuccessExitStatus", "2 3 4 5 7 8")
	set("TimeoutStartSec", span(s.Limit))
	if s.RunAs != "" {
		set("User", s.RunAs)
	}
	set("Environment", `"XDG_STATE_HOME=`+strings.NewReplacer(`\`, `\\`, `"`, `\"`, `%`, `%%`).Replace(s.StateHome)+`"`)
	if s.EnvFile != "" {
		set("EnvironmentFile", path(s.EnvFile)) // the service fails where it is missing: better than a plan without its values
	}
	set("Nice", "19")
	set("IOSchedulingClass", "idle")
	set("MemoryMax", "512M")
	set("TasksMax", "256")
	set("LimitCORE", "0") // values of the plan may be secrets
	set("UMask", "0077")
	s.confine(set)
	return o.text()
}

// confine takes from a round what it does not need.
func (s Spec) confine(set func(name string, values ...string)) {
	set("NoNewPrivileges", "yes")
	set("LockPersonality", "yes")
	set("MemoryDenyWriteExecute", "yes")
	set("RestrictRealtime", "yes")
	set("RestrictSUIDSGID", "yes")
	set("SystemCallArchitectures", "native")
	set("SystemCallErrorNumber", "EPERM")
	set("SystemCallFilter", "@system-service")
	families := "AF_UNIX"
	if s.Local {
		families += " AF_NETLINK"
	}
	if s.Remote {
		families += " AF_INET AF_INET6"
	} else {
		set("IPAddressDeny", "any")
	}
	set("RestrictAddressFamilies", families)
	if s.PerUser {
		return // a user's systemd has no right to what follows
	}
	set("ProtectSystem", "strict")
	set("ProtectHome", "read-only")
	set("ReadWritePaths", path(s.StateHome+"/bisc"))
	for _, w := range s.Writable {
		set("ReadWritePaths", path(w))
	}
	for _, name := range []string{"PrivateTmp", "ProtectControlGroups", "ProtectHostname", "ProtectKernelLogs", "ProtectKernelModules", "ProtectKernelTunables", "RemoveIPC"} {
		set(name, "yes")
	}
	set("KeyringMode", "private")
	if s.Local {
		s.confineLocal(set)
		return
	}
	set("SystemCallFilter", "~@privileged @resources")
	set("CapabilityBoundingSet", "CAP_DAC_READ_SEARCH") // a plan in somebody's home
	set("RestrictNamespaces", "yes")
	for _, name := range []string{"PrivateDevices", "PrivateIPC", "ProtectClock"} {
		set(name, "yes")
	}
	set("ProtectProc", "invisible")
}

// confineLocal leaves what looking at the whole machine takes. The agent enters the first process' mounts (localhost), so
// the folders above do not bind it; capabilities, devices and system calls do: block devices are open for reading only,
// and nothing can be mounted, formatted or loaded. Networks, IPC and processes are not made private: sysctls
// have other values there.
func (s Spec) confineLocal(set func(name string, values ...string)) {
	set("CapabilityBoundingSet", "CAP_DAC_READ_SEARCH CAP_SYS_ADMIN CAP_SYS_CHROOT CAP_SYS_PTRACE")
	set("RestrictNamespaces", "mnt")
	set("SystemCallFilter", "~@clock @cpu-emulation @debug @module @mount @obsolete @raw-io @reboot @swap")
	set("DevicePolicy", "closed")
	set("DeviceAllow", "block-* r", "/dev/zfs rw")
}
