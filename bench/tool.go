package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// tool is a rival, or bisc, about to be run.
type tool struct {
	name string
	argv []string
	env  []string
	exit int    // the exit status that says all went well
	says string // what its output must contain, so that a run that did nothing does not count
}

// names of the tools, bisc first.
const (
	ours      = "bisc"
	plain     = "ansible"
	pipelined = "ansible, pipelined"
	mitogen   = "ansible-mitogen"
)

// plan is bisc looking at one of our plans.
func (s *site) plan(name string, more ...string) tool {
	return s.verb("plan", name, append([]string{"plan"}, more...)...)
}

// apply is bisc applying one of our plans.
func (s *site) apply(name string, more ...string) tool {
	return s.verb("apply", name, append([]string{"apply", "--auto-approve"}, more...)...)
}

func (s *site) verb(verb, name string, args ...string) tool {
	return tool{
		name: ours,
		argv: append([]string{s.bisc}, args...),
		env:  []string{"BISC_PLANS=" + filepath.Join(s.top, "plans", name), "BISC_INVENTORY=" + filepath.Join(s.dir, "hosts.hcl"), "XDG_STATE_HOME=" + filepath.Join(s.dir, "state")},
	}
}

// playbook is a rival running one of our playbooks, cold: no connection is left over from the run before, as bisc has none either.
func (s *site) playbook(rival, name, says string, vars ...string) tool {
	config := map[string]string{plain: "default.cfg", pipelined: "pipelined.cfg", mitogen: "mitogen.cfg"}[rival]
	argv := []string{"ansible-playbook", "-i", filepath.Join(s.dir, "hosts.ini")}
	for _, v := range vars {
		argv = append(argv, "-e", v)
	}
	return tool{
		name: rival,
		argv: append(argv, filepath.Join(s.top, "peers", name)),
		env: []string{
			"ANSIBLE_CONFIG=" + filepath.Join(s.top, "peers", config),
			"ANSIBLE_HOME=" + filepath.Join(s.dir, "ansible"), "ANSIBLE_LOCAL_TEMP=" + filepath.Join(s.dir, "ansible", "tmp"),
			"ANSIBLE_SSH_CONTROL_PATH_DIR=" + filepath.Join(s.dir, "cp"),
			"ANSIBLE_SSH_COMMON_ARGS=-o UserKnownHostsFile=" + filepath.Join(s.dir, "known_hosts"),
			"ANSIBLE_NOCOLOR=1", "ANSIBLE_DEPRECATION_WARNINGS=0", "LC_ALL=C.UTF-8",
		},
		says: says,
	}
}

// rivals installs what is compared with, once a machine.
func rivals() (versions string, err error) {
	if _, err := exec.LookPath("ansible-playbook"); err != nil || !has("/usr/lib/python3/dist-packages/ansible_mitogen") {
		fmt.Fprintln(os.Stderr, "installing ansible-core and ansible-mitogen from Debian")
		install := exec.Command("apt-get", "install", "-y", "--no-install-recommends", "ansible-core", "ansible-mitogen")
		install.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		if out, err := install.CombinedOutput(); err != nil {
			return "", fmt.Errorf("install the rivals: %w\n%s\n(apt-get update may be needed first)", err, out)
		}
	}
	out, err := exec.Command("dpkg-query", "-W", "-f", "${Package} ${Version}, ", "ansible-core", "ansible-mitogen", "openssh-client").Output()
	return strings.TrimSuffix(string(out), ", "), err
}

func has(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
