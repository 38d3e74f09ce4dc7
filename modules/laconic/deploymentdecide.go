package laconic

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"bisc/internal/host"
	"bisc/modules"
	"bisc/modules/job"
)

// decide says what of a deployment is not as wanted: first the folder, for the objects are made of it.
func (d *Deployment) decide(ctx context.Context, o deployed) modules.Change {
	var c modules.Change
	if d.wantsObjects() && o.job.Await(&c, "laconic-so") {
		return c // it writes the folder and makes the objects: what is missing now is no news
	}
	if !o.ours { // one that failed before this run is no news
		c.Ended = ""
	}
	d.commit(&c, o)
	d.folder(ctx, &c, o)
	d.values(ctx, &c, o)
	if d.wantsObjects() && o.there {
		d.objects(&c, o)
	}
	return c
}

// commit compares which laconic-so is installed.
func (d *Deployment) commit(c *modules.Change, o deployed) {
	if d.Commit == "" || o.tool.head == d.Commit && len(o.tool.changed) == 0 {
		return
	}
	c.Refuse("laconic-so", o.toolText(), d.Commit, "a git_checkout brings the repository to its commit: which laconic-so made the objects decides their form")
}

// toolText is which laconic-so there is, in a word.
func (o deployed) toolText() string {
	if !o.hasTool {
		return "no repository"
	}
	s := orNone(o.tool.head)
	if o.tool.branch != "" {
		s += " (branch " + o.tool.branch + ")"
	}
	if n := len(o.tool.changed); n > 0 {
		s += fmt.Sprintf(", %d local changes: %s", n, o.tool.files())
	}
	return s
}

// folder compares deployment.yml, spec.yml and config.env.
func (d *Deployment) folder(ctx context.Context, c *modules.Change, o deployed) {
	if d.Spec != "" && !o.hasWanted {
		c.Refuse("spec", "no file "+d.Spec, "a specification", "the stack's repository has it: a git_checkout comes first")
		return
	}
	switch {
	case !o.there && (d.Stack == "" || d.Spec == ""):
		c.Refuse("folder", "no deployment.yml in "+d.Dir, "a deployment", "laconic-so makes it of a stack and a specification: name both (stack, spec)")
		return
	case !o.there:
		c.Differ("folder", "no deployment.yml in "+d.Dir, "a deployment")
		c.Do(d.create(false))
		return // what laconic-so writes is looked at next
	case o.clusterID != d.ClusterID:
		c.Refuse("cluster_id", orNone(o.clusterID), d.ClusterID, "the folder is another deployment's: laconic-so gives each an id of its own when it makes it, and keeps it")
		return
	}
	if d.Spec != "" {
		if text := d.specDiff(ctx, o); text != "" {
			c.Diffs = append(c.Diffs, modules.Diff{Attr: "spec", Got: "spec.yml of " + d.Dir, Want: d.Spec, Text: text})
			if d.Stack == "" {
				c.Diffs[len(c.Diffs)-1].Why = "laconic-so --update needs the stack: name it (stack)"
			} else {
				c.Do(d.create(true))
			}
		}
	}
}

// create runs laconic-so's deploy create. It asks no cluster and touches no object.
func (d *Deployment) create(update bool) host.Step {
	argv := []string{"sh", "-c", asUserText, "laconic-so as", d.User, d.Program, "--stack", d.Stack, "deploy", "create", "--spec-file", d.Spec, "--deployment-dir", d.Dir}
	if update {
		argv = append(argv, "--update")
	}
	return host.Script{Argv: argv, Limit: 5 * time.Minute}
}

// asUserText runs a program as a user, with that user's home; "" is root.
const asUserText = `user=${1:-root}; shift
home=$(getent passwd -- "$user" | cut -d: -f6) && [ -n "$home" ] || { echo "no user $user" >&2; exit 1; }
[ "$user" = root ] && exec env HOME="$home" "$@"
exec setpriv --reuid "$user" --regid "$(id -g -- "$user")" --init-groups -- env HOME="$home" USER="$user" LOGNAME="$user" "$@"`

// specDiff is what --update would change, a line each. What it does not rewrite, config, is config.env's affair too.
func (d *Deployment) specDiff(ctx context.Context, o deployed) string {
	got, want := map[string]string{}, map[string]string{}
	flatten(got, "", o.spec.whole)
	flatten(want, "", o.wanted.whole)
	var b strings.Builder
	for _, key := range slices.Sorted(maps.Keys(union(got, want))) {
		is, has := got[key]
		to, wants := want[key]
		if has == wants && is == to {
			continue
		}
		if name, ok := strings.CutPrefix(key, "config."); ok && d.secret(name) {
			is, to = modules.SecretDigest(ctx, []byte(is)), modules.SecretDigest(ctx, []byte(to))
		}
		if has {
			fmt.Fprintf(&b, "-%s: %s\n", key, is)
		}
		if wants {
			fmt.Fprintf(&b, "+%s: %s\n", key, to)
		}
	}
	return b.String()
}

func union(a, b map[string]string) map[string]string {
	out := maps.Clone(a)
	maps.Copy(out, b)
	return out
}

// flatten gives each leaf of a tree under its path.
func flatten(into map[string]string, at string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for key, below := range v {
			flatten(into, strings.TrimPrefix(at+"."+key, "."), below)
		}
	case []any:
		for i, below := range v {
			flatten(into, fmt.Sprintf("%s[%d]", at, i), below)
		}
	case nil:
		into[at] = ""
	default:
		into[at] = fmt.Sprint(v)
	}
}

var secretForm = regexp.MustCompile(`PASSW|SECRET|TOKEN|CREDENTIAL|PRIVATE|METRICS_CONFIG`)

// secret tells whether a variable's value is never shown.
func (d *Deployment) secret(name string) bool {
	return slices.Contains(d.Secrets, name) || secretForm.MatchString(strings.ToUpper(name))
}

// job is laconic-so at work on this deployment. The one id means that prepare and start cannot run beside each other.
func (d *Deployment) job(verb string, flags ...string) job.Job {
	j := job.Job{
		ID:   "laconic-so." + d.ClusterID,
		Argv: append([]string{d.Program, "deployment", "--dir", d.Dir, verb}, flags...),
		User: d.User, Limit: d.Limit, Guards: []host.Guard{host.ValidatorStopped()},
		Env: map[string]string{"KUBECONFIG": d.Kubeconfig},
	}
	if d.User == "" {
		j.Env["HOME"] = "/root" // systemd gives a service of root's none, and kind asks for it
	}
	return j
}
