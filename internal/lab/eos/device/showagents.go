package device

import (
	"fmt"
	"path"
	"sort"
	"strings"
)

func showAgents() []shower {
	return []shower{
		{words: "daemon", max: 1, answer: (*Shell).showDaemon},
		{words: "extensions", answer: func(s *Shell, _ []string) (answer, error) { return s.d.showExtensions() }},
		{words: "boot-extensions", answer: func(s *Shell, _ []string) (answer, error) { return s.d.showBootExtensions() }},
	}
}

// showDaemon: eos.md D.2. One that is not configured is an error, not an empty answer ([V] there; the words are [I]).
func (s *Shell) showDaemon(args []string) (answer, error) {
	daemons, text := object{}, ""
	for _, c := range s.d.view().Daemons {
		if len(args) == 1 && args[0] != c.Name {
			continue
		}
		state := s.d.o.Plane.Daemon(c.Name)
		if !state.Running {
			state = DaemonState{}
		}
		since := 0.0
		up := 0.0
		word := "shutdown"
		if state.Running {
			since, up, word = seconds(state.Since), s.d.o.Now().Sub(state.Since).Seconds(), fmt.Sprintf("running with PID %d", state.PID)
		} else if c.Enabled {
			word = "not running"
		}
		text += fmt.Sprintf("Process: %s (%s)\nUptime: %s (Start time: %.0f)\nNo configuration options stored.\n\nNo status data stored.\n\n", c.Name, word,
			s.d.o.Now().Sub(state.Since).Truncate(1e9), since)
		daemons = append(daemons, field{c.Name, object{{"running", state.Running}, {"pid", state.PID}, {"enabled", c.Enabled}, {"isSdkAgent", false},
			{"uptime", up}, {"starttime", since}, {"option", object{}}, {"data", object{}}}})
	}
	if len(args) == 1 && len(daemons) == 0 {
		return answer{}, failed("Daemon '%s' not found", args[0])
	}
	return answer{text, object{{"daemons", daemons}}}, nil
}

// extension is an RPM or SWIX in the extension: file system (eos.md D.4).
type extension struct {
	version, release string
	installed        bool
}

// bootExtensions is the file that is asked at boot, one name a line.
const bootExtensions = "boot-extensions"

// copyExtension knows "copy flash:F extension:" and "copy installed-extensions boot-extensions".
func (s *Shell) copyExtension(from, to string) (string, error) {
	d := s.d
	switch {
	case strings.HasPrefix(from, "flash:") && to == "extension:":
		name := strings.TrimLeft(strings.TrimPrefix(from, "flash:"), "/")
		if !strings.HasSuffix(name, ".rpm") && !strings.HasSuffix(name, ".swix") {
			return "", failed("Error copying %s to %s (not an extension)", from, to)
		}
		b, err := d.o.Files.ReadFile(name)
		if err != nil {
			return "", failed("Error copying %s to %s (No such file or directory)", from, to)
		}
		base := path.Base(name)
		if err := d.o.Files.WriteFile(path.Join(".extensions", base), b); err != nil || d.faults.DiskFull {
			return "", failed("Error copying %s to %s (No space left on device)", from, to)
		}
		d.extend(base)
	case from == "installed-extensions" && to == bootExtensions:
		var names []string
		for name, e := range d.extensions {
			if e.installed {
				names = append(names, name+"\n")
			}
		}
		sort.Strings(names)
		if err := d.write(bootExtensions, strings.Join(names, "")); err != nil {
			return "", err
		}
	default:
		return "", invalid(2, from)
	}
	return "Copy completed successfully.\n", nil
}

// extend makes an extension known. The version is read from a name like bisc-relay-1.2-1.x86_64.rpm.
func (d *Device) extend(base string) *extension {
	if d.extensions == nil {
		d.extensions = map[string]*extension{}
	}
	if e := d.extensions[base]; e != nil {
		return e
	}
	e := &extension{}
	stem := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(base, ".rpm"), ".swix"), ".x86_64")
	if parts := strings.Split(stem, "-"); len(parts) > 2 {
		e.version, e.release = parts[len(parts)-2], parts[len(parts)-1]
	}
	d.extensions[base] = e
	return e
}

// bootExtend installs at boot what boot-extensions names, and knows the others that are on flash.
func (d *Device) bootExtend() {
	d.extensions = nil
	names, err := d.o.Files.List(".extensions")
	if err != nil {
		return
	}
	for _, n := range names {
		d.extend(path.Base(n))
	}
	b, err := d.o.Files.ReadFile(bootExtensions)
	if err != nil {
		return
	}
	for _, name := range strings.Fields(string(b)) {
		if e := d.extensions[name]; e != nil {
			e.installed = true
		}
	}
}

// extensionLine is "extension F" and "no extension F".
func (s *Shell) extensionLine(name string, install bool) (string, error) {
	e := s.d.extensions[name]
	if e == nil {
		return "", failed("Extension %s not found", name)
	}
	e.installed = install
	return "", nil
}

// showExtensions: eos.md D.4, show/anta.
func (d *Device) showExtensions() (answer, error) {
	at := map[string]bool{}
	if b, err := d.o.Files.ReadFile(bootExtensions); err == nil {
		for _, n := range strings.Fields(string(b)) {
			at[n] = true
		}
	}
	names := make([]string, 0, len(d.extensions))
	for n := range d.extensions {
		names = append(names, n)
	}
	sort.Strings(names)
	list, text := object{}, "Name                 Version/Release      Status      Extension\n-------------------- -------------------- ----------- ---------\n"
	for _, n := range names {
		e, status, flags := d.extensions[n], "notInstalled", "A, NI"
		if e.installed {
			status, flags = "installed", "A, I"
		}
		if at[n] {
			flags += ", B"
		}
		text += fmt.Sprintf("%-20s %-20s %-11s 1\n", n, e.version+"/"+e.release, flags)
		list = append(list, field{n, object{{"version", e.version}, {"release", e.release}, {"presence", "present"}, {"status", status}, {"boot", at[n]}, {"error", false}}})
	}
	return answer{text + "\nA: available | NA: not available | I: installed | F: forced | B: install at boot\n", object{{"extensions", list}}}, nil
}

func (d *Device) showBootExtensions() (answer, error) {
	names := []string{}
	if b, err := d.o.Files.ReadFile(bootExtensions); err == nil {
		names = append(names, strings.Fields(string(b))...)
	}
	return answer{strings.Join(append(names, ""), "\n"), object{{"extensions", names}}}, nil
}
