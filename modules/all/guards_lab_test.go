package all

import (
	"context"
	"errors"
	"testing"
	"time"

	"bisc/internal/host"
	"bisc/internal/lab"
	"bisc/modules"
	"bisc/modules/files"
	"bisc/modules/system"
	"bisc/modules/systemd"
)

const guardedUnits = `
mk() { printf '%s\n' "[Unit]" "$2" "[Service]" "ExecStart=$3" "$4" "[Install]" "WantedBy=multi-user.target" >/etc/systemd/system/$1.service; }
cp /bin/sleep /usr/local/bin/agave-validator
mk validator "" "/usr/local/bin/agave-validator infinity" ""
mk relay "" "/bin/sleep infinity" ""
mk exit "" "/bin/sleep infinity" "ExecStop=/bin/true"
mk base "" "/bin/sleep infinity" ""
mk onbase "" "/bin/sleep infinity" ""
mk 'dash\x2dbase' "" "/bin/sleep infinity" ""
mk 'on\x2ddash' "" "/bin/sleep infinity" ""
mk docker "" "/bin/sleep infinity" ""
mk containerd "" "/bin/sleep infinity" ""
systemctl daemon-reload
systemctl start validator relay exit base onbase 'dash\x2dbase' 'on\x2ddash' docker containerd
`

// TestGuardsOnAHost proves each guard of these kinds by an act that it alone stands before: a plan is made, and the
// host is as the guard must not have it when the step comes.
func TestGuardsOnAHost(t *testing.T) {
	t.Parallel()
	b := newBench(t, lab.HostOptions{Name: "guards"})
	b.shell(t, guardedUnits)
	off := false
	stop := func(unit string) modules.Resource { return &systemd.Service{Name: unit, Active: &off} }

	for _, tt := range []struct {
		name     string
		resource modules.Resource
		between  string // done by hand between plan and act
		guard    string // that refuses; empty: the act is done
		then     string // must hold afterwards
	}{
		{"the validator's own unit", stop("validator.service"), "", "no validator in what stops", "systemctl is-active validator"},
		{"the relay, while a validator lives", stop("relay.service"), "", "", "! systemctl is-active relay"},
		{"a unit whose stop runs a program", stop("exit.service"), "", "no validator lives", "systemctl is-active exit"},
		{"docker", stop("docker.service"), "", "no validator lives", "systemctl is-active docker"},
		{"containerd", stop("containerd.service"), "", "no validator lives", "systemctl is-active containerd"},
		{"something hangs on it by now", stop("base.service"),
			"printf '[Unit]\\nRequires=base.service\\n' >/etc/systemd/system/onbase.service.d.tmp; mkdir /etc/systemd/system/onbase.service.d; mv /etc/systemd/system/onbase.service.d.tmp /etc/systemd/system/onbase.service.d/x.conf; systemctl daemon-reload",
			"stops nothing else", "systemctl is-active onbase base"},
		{"something hangs on it by now, and systemd quotes both", stop(`dash\x2dbase.service`),
			"mkdir '/etc/systemd/system/on\\x2ddash.service.d'; printf '[Unit]\\nBindsTo=dash\\\\x2dbase.service\\n' >'/etc/systemd/system/on\\x2ddash.service.d/x.conf'; systemctl daemon-reload",
			"stops nothing else", `systemctl is-active 'on\x2ddash' 'dash\x2dbase'`},
		{"a unit to be removed is the validator's", &systemd.Unit{Name: "validator.service", Absent: true}, "", "no validator in what stops", "test -e /etc/systemd/system/validator.service && systemctl is-active validator"},
		{"a file that changed", &files.File{Path: "/etc/default/ssh", Absent: true}, "echo '# mine' >>/etc/default/ssh", "file unchanged", "grep -q mine /etc/default/ssh"},
		{"a unit file that changed", &systemd.DropIn{Unit: "relay.service", Name: "x", Absent: true}, "echo '# mine' >>/etc/systemd/system/relay.service.d/x.conf", "file unchanged", "test -e /etc/systemd/system/relay.service.d/x.conf"},
		{"a module", &system.KernelModule{Name: "brd", Absent: true}, "", "no validator lives", "test -e /sys/module/brd"},
		{"a command that needs it", &files.Command{Name: "x", Unless: []string{"test", "-e", "/x"}, Argv: []string{"touch", "/x"}, NeedsValidatorGone: true, Limit: time.Minute}, "", "no validator lives", "! test -e /x"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b.shell(t, "mkdir -p /etc/systemd/system/relay.service.d; printf '[Unit]\\nAfter=x.service\\n' >/etc/systemd/system/relay.service.d/x.conf; modprobe brd")
			w, err := b.Writer(t.Context(), "")
			if err != nil {
				t.Fatal(err)
			}
			defer b.Release(t)
			c, err := tt.resource.Plan(t.Context(), w)
			if err != nil || len(c.Steps) == 0 {
				t.Fatalf("no steps are planned: %+v, %v", c.Diffs, err)
			}
			if tt.between != "" {
				b.shell(t, tt.between)
			}
			err = doAll(t.Context(), w, c.Steps)
			var refused *host.GuardError
			switch {
			case tt.guard == "" && err != nil:
				t.Errorf("refused: %v", err)
			case tt.guard != "" && !errors.As(err, &refused):
				t.Errorf("not refused by a guard: %v", err)
			case tt.guard != "" && (refused.Guard != tt.guard || refused.Unknown):
				t.Errorf("refused by %q (%s), want %q", refused.Guard, refused.Reason, tt.guard)
			}
			b.shell(t, tt.then)
		})
	}
}

func doAll(ctx context.Context, w host.Writer, steps []host.Step) error {
	for _, s := range steps {
		if err := w.Do(ctx, s); err != nil {
			return err
		}
	}
	return nil
}
