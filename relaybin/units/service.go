package units

import (
	"path"
	"strings"
)

// about says what the daemon is, for systemctl.
func (d Daemon) about() string {
	switch d.Name {
	case "shredmirror":
		return "bisc relay: shreds from the mirror port to the host"
	case "shredunwrap":
		return "bisc relay: shreds from the switch to the validator"
	}
	return "bisc relay: completeness of the shreds at the validator"
}

func (d Daemon) service() string {
	var b strings.Builder
	line := func(s ...string) { b.WriteString(strings.Join(s, "") + "\n") }
	program, config := d.Program, d.Config
	if program == "" {
		program = path.Join(Binaries, d.Name)
	}
	if config == "" {
		config = path.Join(Settings, d.Name+".conf")
	}
	line("# Written by bisc.\n[Unit]\nDescription=", d.about())
	line("StartLimitIntervalSec=0")
	line("After=network.target")
	for _, s := range d.Sockets {
		line("Requires=", d.Socket(s), "\nAfter=", d.Socket(s))
	}
	line("\n[Service]\nType=notify\nNotifyAccess=main")
	line("ExecStart=", program, " --config ", config)
	for _, s := range d.Sockets {
		line("Sockets=", d.Socket(s))
	}
	line(running)
	if d.Name == "shredunwrap" { // its books outlive it: what was lost between two processes is counted
		line("RuntimeDirectory=bisc-shredunwrap\nRuntimeDirectoryPreserve=yes")
	}
	if d.Name == "shredmeter" { // marks, and what was measured before them, outlive it
		line("StateDirectory=bisc-shredmeter\nStateDirectoryMode=0700")
	}
	caps := strings.Join(d.capabilities(), " ")
	line("CapabilityBoundingSet=", caps, "\nAmbientCapabilities=", caps)
	line("RestrictAddressFamilies=", d.families())
	if d.Netns == "" {
		line("RestrictNamespaces=yes")
	} else {
		line("RestrictNamespaces=net")
	}
	line(sandbox)
	line("[Install]\nWantedBy=multi-user.target")
	return b.String()
}

// capabilities are what the daemon cannot do without.
func (d Daemon) capabilities() []string {
	var caps []string
	if d.Name != "shredunwrap" {
		caps = append(caps, "CAP_NET_RAW") // a packet socket
	}
	if d.Routes {
		caps = append(caps, "CAP_NET_ADMIN") // a kernel route
	}
	if d.Netns != "" {
		caps = append(caps, "CAP_SYS_ADMIN") // setns(2)
		if strings.HasPrefix(d.Netns, "/proc/") {
			caps = append(caps, "CAP_SYS_PTRACE") // open /proc/PID/ns/net of another user (namespaces(7))
		}
	}
	return caps
}

// families are the socket families: AF_UNIX to tell systemd, AF_NETLINK to look at devices and routes.
func (d Daemon) families() string {
	if d.Name == "shredunwrap" {
		return "AF_INET AF_UNIX AF_NETLINK"
	}
	return "AF_INET AF_PACKET AF_UNIX AF_NETLINK"
}

// running is how the daemon lives. It is started again at once and for ever: a limit would end the relay at night. A user
// that exists only while it runs owns nothing. MemoryMax does not hold the receive buffers: they are charged to systemd,
// which opened them.
const running = `Restart=always
RestartSec=250ms
WatchdogSec=10s
TimeoutStartSec=30s
TimeoutStopSec=10s
DynamicUser=yes
MemoryMax=64M
MemorySwapMax=0
TasksMax=64
LimitNOFILE=1024
LimitCORE=0
Nice=-10
OOMScoreAdjust=-500`

// sandbox is what it cannot do. Swapping would be loss; ProcSubset stays, for the process's own figures need /proc/stat.
const sandbox = `NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
ProtectProc=invisible
LockPersonality=yes
MemoryDenyWriteExecute=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RemoveIPC=yes
KeyringMode=private
UMask=0077
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources @keyring @ipc
SystemCallErrorNumber=EPERM
`
