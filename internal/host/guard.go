package host

import (
	_ "embed"
	"strconv"
	"time"
)

//go:embed guards/validator-stopped.sh
var validatorStoppedText string

// ValidatorStopped holds when the host's process table proves that no validator lives (DESIGN section 3, rule 13): no process, and
// no thread of one whose leader has ended. Every step that unmounts, formats, unloads, wipes, reboots, or stops or restarts
// docker, containerd, the node or a wanted mount carries it. Its refusal tells a validator that runs, one that is exiting, and
// one that nothing ends; for that alone it watches the threads for StuckAfter.
func ValidatorStopped() Guard {
	return Guard{Name: "no validator lives", Text: validatorStoppedText, Args: []string{validatorsText, strconv.Itoa(int(StuckAfter / time.Second))}}
}

//go:embed guards/kubelet-stopped.sh
var kubeletStoppedText string

// KubeletStopped holds when no kubelet of the kind node is at work, nor about to be: a validator that exits is started again by it.
func KubeletStopped(node string) Guard {
	return Guard{Name: "kubelet stopped", Text: kubeletStoppedText, Args: []string{kubeletText, node}}
}

//go:embed guards/unused.sh
var unusedText string

// Unused holds when nothing uses the block device at path: no mount in any namespace, no open file, no swap, no holder.
func Unused(path string) Guard {
	return Guard{Name: "device unused", Text: unusedText, Args: []string{usesText, path}}
}

//go:embed guards/stops-only.sh
var stopsOnlyText string

// StopsOnly holds when stopping unit would stop nothing beyond the units listed, as the reading StopClosure
// finds it; unit itself is always allowed.
func StopsOnly(unit string, allowed ...string) Guard {
	return Guard{Name: "stops nothing else", Text: stopsOnlyText, Args: append([]string{stopClosureText, unit}, allowed...)}
}

//go:embed guards/spares-validator.sh
var sparesValidatorText string

// SparesValidator holds when no validator runs in the control groups of the units. It is for what may be stopped while a
// validator lives elsewhere: the relay that cures an ailing one must not wait for its end.
func SparesValidator(units ...string) Guard {
	return Guard{Name: "no validator in what stops", Text: sparesValidatorText, Args: append([]string{validatorsText}, units...)}
}

//go:embed guards/unchanged.sh
var unchangedText string

// Unchanged holds when the file at path still has the content with this digest (see ContentDigest), or is still absent.
func Unchanged(path, digest string) Guard {
	return Guard{Name: "file unchanged", Text: unchangedText, Args: []string{path, digest}}
}

// SwitchGuard is the name of SwitchArmed.
const SwitchGuard = "dead-man's switch armed"

//go:embed guards/switch-armed.sh
var switchArmedText string

// SwitchArmed holds while the dead-man's switch with this id is armed in the folder, and has decided nothing. A step that lay
// in the connection's buffer while the host took the change back would else be done after it, with nothing to take it back.
func SwitchArmed(folder, id string) Guard {
	return Guard{Name: SwitchGuard, Text: switchArmedText, Args: []string{folder, id}}
}

//go:embed guards/job-idle.sh
var jobIdleText string

// JobIdle holds when the detached job with this id does not run.
func JobIdle(id string) Guard {
	return Guard{Name: "job not at work", Text: jobIdleText, Args: []string{id}}
}

//go:embed guards/git-changes.sh
var gitChangesText string

// GitChanges holds while the local changes of a repository are those whose patch has this SHA-256 (hex), as GitState gives it; that of
// nothing is the digest of no bytes.
func GitChanges(user, path, digest string) Guard {
	return Guard{Name: "local changes as saved", Text: gitAsText + gitChangesText, Args: []string{user, path, digest}}
}
