package laconic

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"bisc/internal/host"
	"bisc/modules"
	"bisc/modules/kube"
)

// place is one of those that a value passes on its way from the specification to the process.
type place struct {
	name   string
	there  bool // the place itself
	values map[string]string
	// why says what it takes for the place to get the value of the one before it.
	why string
}

// places gives them in the order in which a value travels.
func (d *Deployment) places(o deployed) []place {
	specified := map[string]string{}
	for name, v := range o.spec.Config {
		specified[name] = string(v)
	}
	live := map[string]string{}
	hasLive := false
	if o.cluster != nil && o.cluster.hasDeployment {
		if box, ok := containerOf(o.cluster.deployment, d.Container); ok {
			hasLive = true
			for _, v := range box.Env {
				live[v.Name] = v.Value
				if len(v.From) > 0 && string(v.From) != "null" {
					live[v.Name] = "from " + compact(v.From)
				}
			}
		}
	}
	return []place{
		{"spec.yml", o.hasSpec, specified, "the specification says otherwise, and wins over the compose file's default (`spec`, then laconic-so --update)"},
		{"config.env", o.env.there, o.env.values, "laconic-so's --update leaves config.env as it is"},
		{"the Deployment", hasLive, live, "laconic-so's start changes no Deployment that exists: a kube_deployment writes it once the validator has stopped, a redeploy makes it anew"},
		{"process " + o.process.pid, o.process.pid != "", o.process.env, "the process has what it was started with: restart it"},
	}
}

func containerOf(dep kube.Deployment, name string) (kube.Container, bool) {
	for _, c := range dep.Spec.Template.Spec.Containers {
		if c.Name == name {
			return c, true
		}
	}
	return kube.Container{}, false
}

func compact(raw json.RawMessage) string {
	var v any
	if json.Unmarshal(raw, &v) != nil {
		return "elsewhere"
	}
	b, err := json.Marshal(v)
	if err != nil {
		return "elsewhere"
	}
	return string(b)
}

// values follows each wanted variable, and shows the effective value and the first place that has another than wanted. Of all
// places bisc writes one: config.env, which nothing else does.
func (d *Deployment) values(ctx context.Context, c *modules.Change, o deployed) {
	if !o.there {
		return
	}
	places := d.places(o)
	lines := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(d.Config)) {
		d.value(ctx, c, name, places, lines)
	}
	if len(lines) > 0 {
		put := host.Put{Path: d.Dir + "/config.env", Content: rewritten(o.env.text, lines), Mode: 0o600, Was: host.ContentDigest(o.env.text), Secret: true}
		if o.env.there {
			put.Mode, put.UID, put.GID = o.env.stat.Mode, int(o.env.stat.UID), int(o.env.stat.GID)
		}
		c.Do(put)
	}
	d.arguments(c, o.process)
}

func (d *Deployment) value(ctx context.Context, c *modules.Change, name string, places []place, lines map[string]string) {
	want := d.Config[name]
	show := func(value string, has bool) string {
		switch {
		case !has:
			return "(unset)"
		case d.secret(name):
			return modules.SecretDigest(ctx, []byte(value))
		}
		return fmt.Sprintf("%q", value)
	}
	var effective string
	var first *place
	var way []string
	for i, p := range places {
		if !p.there {
			continue
		}
		value, has := p.values[name]
		effective = show(value, has) + " in " + p.name
		way = append(way, effective)
		if first == nil && (!has || value != want) && i > 0 { // spec.yml is compared by `spec`: a value may come from the compose file
			first = &places[i]
		}
	}
	if first == nil {
		return
	}
	diff := modules.Diff{Attr: "config[" + name + "]", Got: effective, Want: show(want, true), Why: first.why}
	if diff.Text = strings.Join(way, "\n") + "\n"; len(way) == 1 {
		diff.Text = ""
	}
	if first.name == "config.env" {
		lines[name] = want
		diff.Attr, diff.Why = "config.env["+name+"]", ""
		value, has := first.values[name]
		diff.Got = show(value, has)
	}
	c.Diffs = append(c.Diffs, diff)
}

// rewritten is config.env with these lines in the place of those of their names, or at its end.
func rewritten(text []byte, lines map[string]string) []byte {
	var out strings.Builder
	left := maps.Clone(lines)
	for line := range strings.Lines(string(text)) {
		name, _, ok := strings.Cut(line, "=")
		name = strings.TrimSpace(name)
		value, ours := lines[name]
		if !ok || !ours {
			out.WriteString(strings.TrimRight(line, "\r\n") + "\n")
			continue
		}
		if _, first := left[name]; first { // a second line of the name would win
			fmt.Fprintf(&out, "%s=%s\n", name, value)
			delete(left, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(left)) {
		fmt.Fprintf(&out, "%s=%s\n", name, left[name])
	}
	return []byte(out.String())
}

// arguments compares options of the process' own command line: what counts in the end, whatever the environment says.
func (d *Deployment) arguments(c *modules.Change, p process) {
	if p.pid == "" {
		return
	}
	for _, option := range slices.Sorted(maps.Keys(d.Arguments)) {
		want := strings.TrimSpace(option + " " + d.Arguments[option])
		if got := argument(p.arguments, option, d.Arguments[option] != ""); got != want {
			c.Refuse("arguments["+option+"]", orNone(got)+" in process "+p.pid, want, "the start script makes them of the environment, and its own defaults: restart it with another environment or image")
		}
	}
}

// argument finds an option: "--name value" or "--name=value"; all of them where it is there several times.
func argument(words []string, option string, takes bool) string {
	var found []string
	for i, w := range words {
		value, joined := strings.CutPrefix(w, option+"=")
		switch {
		case joined:
			found = append(found, option+" "+value)
		case w == option && takes && i+1 < len(words):
			found = append(found, option+" "+words[i+1])
		case w == option:
			found = append(found, option)
		}
	}
	return strings.Join(found, " ")
}
