package kube

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"bisc/internal/host"
	"bisc/modules"
)

// templatePatch gathers what a Deployment's template lacks, as a strategic merge patch: that one merges the lists of containers and of
// their environment by name, where a plain merge patch (RFC 7386) would put our container in place of all of them.
type templatePatch struct {
	containers map[string]map[string]any
	pod        map[string]any // of the pod's spec
	spec       map[string]any // of the Deployment's
}

func newPatch() templatePatch {
	return templatePatch{containers: map[string]map[string]any{}, pod: map[string]any{}, spec: map[string]any{}}
}

func (p templatePatch) container(name string) map[string]any {
	if p.containers[name] == nil {
		p.containers[name] = map[string]any{"name": name}
	}
	return p.containers[name]
}

// env sets a variable, or takes it out (nil).
func (p templatePatch) env(container, name string, value *string) {
	c := p.container(container)
	entry := map[string]any{"name": name}
	if value == nil {
		entry["$patch"] = "delete"
	} else {
		entry["value"], entry["valueFrom"] = *value, nil
	}
	list, _ := c["env"].([]any)
	c["env"] = append(list, entry)
}

func (p templatePatch) empty() bool { return len(p.containers)+len(p.pod)+len(p.spec) == 0 }

// body is the patch; what it is given comes beside it (replicas), so that both take force at once.
func (p templatePatch) body(replicas *int) map[string]any {
	spec, pod := maps.Clone(p.spec), maps.Clone(p.pod)
	if len(p.containers) > 0 {
		var list []any
		for _, name := range slices.Sorted(maps.Keys(p.containers)) {
			list = append(list, p.containers[name])
		}
		pod["containers"] = list
	}
	if len(pod) > 0 {
		spec["template"] = map[string]any{"spec": pod}
	}
	if replicas != nil {
		spec["replicas"] = *replicas
	}
	return map[string]any{"spec": spec}
}

// comparison holds what differs in a template, and the patch that mends it.
type comparison struct {
	diffs []modules.Diff
	patch templatePatch
}

func (c *comparison) differ(attr, got, want string) bool {
	if got == want {
		return false
	}
	c.diffs = append(c.diffs, modules.Diff{Attr: attr, Got: got, Want: want})
	return true
}

// compare looks at all of the pod template that the plan speaks of.
func (d *WantedDeployment) compare(of Deployment) comparison {
	c := comparison{patch: newPatch()}
	spec := of.Spec.Template.Spec
	if main, ok := spec.container(d.Container); ok {
		d.compareContainer(&c, main)
	}
	for _, name := range slices.Sorted(maps.Keys(d.Images)) {
		if other, ok := spec.container(name); ok && c.differ("images["+name+"]", other.Image, d.Images[name]) {
			c.patch.container(name)["image"] = d.Images[name]
		}
	}
	if d.Grace != nil && c.differ("termination_grace", fmt.Sprintf("%ds", spec.GraceSeconds()), fmt.Sprintf("%ds", *d.Grace)) {
		c.patch.pod["terminationGracePeriodSeconds"] = *d.Grace
	}
	if d.Strategy != "" && c.differ("strategy", of.Spec.Strategy.Type, d.Strategy) {
		// Without retainKeys the old strategy's own fields stay, and the API server refuses both together.
		c.patch.spec["strategy"] = map[string]any{"$retainKeys": []string{"type"}, "type": d.Strategy}
	}
	return c
}

func (d *WantedDeployment) compareContainer(c *comparison, of Container) {
	if d.Image != "" && c.differ("image", of.Image, d.Image) {
		c.patch.container(d.Container)["image"] = d.Image
	}
	has := map[string]EnvVar{}
	for _, e := range of.Env {
		has[e.Name] = e
	}
	for _, k := range slices.Sorted(maps.Keys(d.Env)) {
		want := d.Env[k]
		got := "(none)"
		if e, ok := has[k]; ok {
			got = fmt.Sprintf("%q", e.Value)
			if len(e.From) > 0 {
				got = "from elsewhere: " + string(e.From)
			}
		}
		if c.differ("env["+k+"]", got, fmt.Sprintf("%q", want)) {
			c.patch.env(d.Container, k, &want)
		}
	}
	for _, k := range d.EnvAbsent {
		if e, ok := has[k]; ok {
			c.differ("env["+k+"]", fmt.Sprintf("%q", e.Value), "(none)")
			c.patch.env(d.Container, k, nil)
		}
	}
	if got := hookText(of.Lifecycle.PreStop); d.PreStop && c.differ("pre_stop", got, strings.Join(d.hook(), " ")) {
		c.patch.container(d.Container)["lifecycle"] = map[string]any{
			// What another hook has is named: with "$patch": "replace" the API server keeps nothing at all where there was none.
			"preStop": map[string]any{"exec": map[string]any{"command": d.hook()}, "httpGet": nil, "tcpSocket": nil, "sleep": nil},
		}
	}
}

// hook is the command that asks agave to exit, and waits for it: --ledger is an option of the program, not of its subcommand (the
// order "exit --force --ledger" is refused: biscayne.md 4.4).
func (d *WantedDeployment) hook() []string {
	return []string{"agave-validator", "--ledger", d.Ledger, "exit", "--force"}
}

func hookText(h *Hook) string {
	switch {
	case h == nil:
		return "(none)"
	case h.Exec == nil:
		return "a hook that is no exec"
	}
	return strings.Join(h.Exec.Command, " ")
}

// write is a change of the Deployment that was looked at, and of no later version of it.
func (d *WantedDeployment) write(of Deployment, verb host.KubeVerb, body any) host.Kube {
	k := d.api().write(verb, Deployments, d.Namespace, d.Name, body)
	k.UID = of.Meta.UID
	return k
}
