package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"syscall"
)

// realRunc is what the node's host has.
const realRunc = "/usr/sbin/runc"

// runc takes from a container's settings what this machine cannot give, and becomes the real one: the capability that a
// machine in a sandbox lacks, without which a privileged container would not start, and limits for which its control
// groups have no controllers.
func runc(args []string) error {
	for i := 0; i+1 < len(args); i++ {
		var err error
		switch args[i] {
		case "--bundle", "-b":
			err = edit(args[i+1]+"/config.json", func(config map[string]any) {
				lessProcess(config["process"])
				if linux, ok := config["linux"].(map[string]any); ok {
					lessLimits(linux["resources"])
				}
			})
		case "--process", "-p":
			err = edit(args[i+1], func(process map[string]any) { lessProcess(process) })
		}
		if err != nil {
			return err
		}
	}
	return fmt.Errorf("run %s: %w", realRunc, syscall.Exec(realRunc, append([]string{"runc"}, args...), os.Environ()))
}

func edit(file string, change func(map[string]any)) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var settings map[string]any
	if err := json.Unmarshal(text, &settings); err != nil {
		return fmt.Errorf("read %s: %w", file, err)
	}
	change(settings)
	if text, err = json.Marshal(settings); err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o600)
}

func lessProcess(v any) {
	process, ok := v.(map[string]any)
	if !ok {
		return
	}
	delete(process, "rlimits")
	sets, _ := process["capabilities"].(map[string]any)
	for name, set := range sets {
		if list, ok := set.([]any); ok {
			sets[name] = slices.DeleteFunc(list, func(c any) bool { return c == "CAP_SYS_RESOURCE" })
		}
	}
}

func lessLimits(v any) {
	limits, ok := v.(map[string]any)
	if !ok {
		return
	}
	for name := range limits {
		if name != "devices" {
			delete(limits, name)
		}
	}
}
