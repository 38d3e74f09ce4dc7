package system

import (
	"testing"

	"bisc/internal/host"
	"bisc/modules/kindtest"
)

func TestPackageDecides(t *testing.T) {
	held, free := true, false
	docker := installed{"hold", "installed", "20.10.24+dfsg1-1"}
	const why = "    why: bisc installs, upgrades and removes no package\n"
	for name, tt := range map[string]struct {
		p    Package
		seen installed
		want string
	}{
		"in sync":            {Package{Version: "20.10.*", Held: &held}, docker, "in sync\n"},
		"whole version":      {Package{Version: "20.10.24+dfsg1-1"}, docker, "in sync\n"},
		"other version":      {Package{Version: "20.10.2"}, docker, "now version: 20.10.24+dfsg1-1 -> 20.10.2\n" + why},
		"other beginning":    {Package{Version: "24.*"}, docker, "now version: 20.10.24+dfsg1-1 -> 24.*\n" + why},
		"to be free":         {Package{Name: "x", Held: &free}, docker, "now held: held -> not held\nstep: run apt-mark unhold -- x\n"},
		"to be held":         {Package{Name: "x", Held: &held}, installed{"install", "installed", "1"}, "now held: not held -> held\nstep: run apt-mark hold -- x\n"},
		"hold not looked at": {Package{}, docker, "in sync\n"},
		"not installed":      {Package{Held: &held}, installed{status: "not-installed"}, "now installed: not installed -> installed\n" + why},
		"removed":            {Package{}, installed{"deinstall", "config-files", "1"}, "now installed: not installed -> installed\n" + why},
		"half installed":     {Package{}, installed{"install", "half-configured", "1"}, "now installed: half-configured -> installed\n    why: dpkg did not finish: see dpkg --audit\n"},
		"not wanted":         {Package{Absent: true}, docker, "now installed: installed 20.10.24+dfsg1-1 -> not installed\n" + why},
		"not there":          {Package{Absent: true}, installed{status: "not-installed"}, "in sync\n"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := kindtest.Print(tt.p.decide(tt.seen)); got != tt.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, tt.want)
			}
		})
	}
}

func TestPackageReads(t *testing.T) {
	p := Package{Name: "libc6"}
	for name, tt := range map[string]struct {
		out  host.Output
		want string // status version, or error
	}{
		"one":                {host.Output{Stdout: []byte("install\tinstalled\t1\n")}, "installed 1"},
		"two architectures":  {host.Output{Stdout: []byte("deinstall\tconfig-files\t1\ninstall\tinstalled\t2\n")}, "installed 2"},
		"none":               {host.Output{Exit: 1, Stderr: []byte("dpkg-query: no packages found matching libc6\n")}, "not-installed "},
		"dpkg is broken":     {host.Output{Exit: 2, Stderr: []byte("dpkg-query: error: database is corrupt\n")}, "error"},
		"not what was asked": {host.Output{Stdout: []byte("hello\n")}, "error"},
	} {
		t.Run(name, func(t *testing.T) {
			seen, err := p.read(tt.out)
			got := seen.status + " " + seen.version
			if err != nil {
				got = "error"
			}
			if got != tt.want {
				t.Errorf("got %q (%v), want %q", got, err, tt.want)
			}
		})
	}
	wantError(t, (&Package{Name: "docker*"}).Validate(), "not the name")
	wantError(t, (&Package{Name: "docker.io", Version: "2*.1"}).Validate(), "version:")
	wantError(t, (&Package{Name: "docker.io", Absent: true, Version: "1"}).Validate(), "absent:")
	wantError(t, (&Package{Name: "docker.io", Version: "20.*"}).Validate(), "")
}
