package laconic

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"sync/atomic"
	"time"

	"bisc/internal/host"
	"bisc/modules"
	"bisc/modules/job"
	"bisc/modules/kube"
)

// DeploymentKind is what laconic-so has made of a specification.
var DeploymentKind = modules.Kind{
	Name:     "laconic_deployment",
	Label:    "the deployment's folder: /srv/deployments/agave",
	Platform: host.Linux,
	Layer:    "kind",
	Doc: "A deployment of laconic-so: its folder (`created`), its cluster, namespace, volumes and services (`prepared`), and its Deployment (`started`). What a configuration says is followed " +
		"on its whole way, from spec.yml over config.env and the Deployment to the process' own environment and arguments, and the first place that has another value is named: laconic-so's --update " +
		"leaves config.env as it is, and start changes nothing that exists. laconic-so is run as a detached job of 20 minutes, which a lost connection does not end, and only " +
		"while no validator lives. Which forms it has (`prepare`, cluster management) is read in its repository; only where that does not tell is its help asked, which runs it (--no-probes forbids that). What an interrupted start has left " +
		"behind, and the next one would fail at, is named, and taken away where that is safe.",
	Checks: []string{
		"now: the folder: deployment.yml's cluster id, spec.yml against `spec` (what --update would change), config.env against `config`",
		"now: each value of `config` in config.env, in the live Deployment and in the process; each of `arguments` on the process' command line. Values of secrets are compared and not shown",
		"now: laconic-so's commit, with `commit`; its forms where it is to be run",
		"now, with `prepared` and `started`: the namespace, each volume's claim, the Deployment; the service `kubernetes`; that the node is Ready; each volume's path in the node against kind's configuration",
		"now: what is left of an interrupted start: Caddy's objects, a namespace that is Terminating and why, volumes kept for claims that are gone, objects that answer the next start with 409",
	},
	Losses: []modules.Loss{
		{What: "what is left of Caddy's installation", When: "some of its objects are there without its Deployment, and the deployment is to be prepared or started", Guards: []string{"no validator lives"}},
	},
	Example: `laconic_deployment "/srv/deployments/agave" {
  program    = "/home/rix/.local/bin/laconic-so"
  repository = "/home/rix/stack-orchestrator"
  cluster_id = "laconic-70ce4c4b47e23b85"
  kubeconfig = "/home/rix/.kube/config"
  state      = "prepared"
  config     = { LIMIT_LEDGER_SIZE = "50000000" }
}
`,
	New: func(label string) modules.Resource {
		return &Deployment{Dir: label, State: "created", Container: "agave-validator", Limit: 20 * time.Minute}
	},
}

// Deployment is the resource of DeploymentKind.
type Deployment struct {
	Dir        string
	Program    string            `hcl:"program" doc:"laconic-so's own path"`
	ClusterID  string            `hcl:"cluster_id" doc:"the deployment's id, by which every object is called"`
	State      string            `hcl:"state,optional" doc:"created: the folder. prepared: everything but the Deployment, which may be there. started: that too" default:"\"created\""`
	Repository string            `hcl:"repository,optional" doc:"where laconic-so is installed from: its commit and its forms are read there. Needed for it to be run"`
	Commit     string            `hcl:"commit,optional" doc:"the commit that laconic-so's repository must be at. Default: not looked at"`
	Stack      string            `hcl:"stack,optional" doc:"the stack's folder, for deploy create"`
	Spec       string            `hcl:"spec,optional" doc:"path, on the host, of the wanted specification. Default: the folder's own is not compared"`
	Config     map[string]string `hcl:"config,optional" doc:"wanted variables of the validator's environment"`
	Arguments  map[string]string `hcl:"arguments,optional" doc:"wanted options of the validator's command line: \"--limit-ledger-size\" to its value, or to \"\" where it takes none"`
	Secrets    []string          `hcl:"secrets,optional" doc:"variables whose values are never shown, beside those called PASSWORD, SECRET, TOKEN, CREDENTIAL, PRIVATE or METRICS_CONFIG"`
	Kubeconfig string            `hcl:"kubeconfig,optional" doc:"path on the host. Needed for prepared and started"`
	Context    string            `hcl:"context,optional" doc:"of the kubeconfig. Default: its current one"`
	Namespace  string            `hcl:"namespace,optional" doc:"of the objects. Default: \"laconic-\" and the cluster id"`
	Node       string            `hcl:"node,optional" doc:"the node's container. Default: the cluster id and \"-control-plane\""`
	Deployment string            `hcl:"deployment,optional" doc:"the Deployment's name. Default: the cluster id and \"-deployment\""`
	Container  string            `hcl:"container,optional" doc:"the validator's container in it" default:"\"agave-validator\""`
	User       string            `hcl:"user,optional" doc:"who runs laconic-so. Default: root"`
	Limit      time.Duration     `hcl:"limit,optional" doc:"how long laconic-so's start may take: to load an image into the node takes ten minutes" default:"\"20m\""`

	// offered is when the job had been started last, at the time that this resource offered to start it.
	offered atomic.Pointer[time.Time]
}

// Owns the folder's files that laconic-so writes.
func (d *Deployment) Owns() []string {
	return []string{"file:" + d.Dir + "/config.env", "file:" + d.Dir + "/spec.yml"}
}

func (d *Deployment) namespace() string { return cmp.Or(d.Namespace, "laconic-"+d.ClusterID) }
func (d *Deployment) node() string      { return cmp.Or(d.Node, d.ClusterID+"-control-plane") }
func (d *Deployment) object() string    { return cmp.Or(d.Deployment, d.ClusterID+"-deployment") }
func (d *Deployment) api() kube.API     { return kube.API{Kubeconfig: d.Kubeconfig, Context: d.Context} }

// wantsObjects tells whether more than the folder is wanted.
func (d *Deployment) wantsObjects() bool { return d.State != "created" }

var (
	idForm       = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)
	variableForm = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

// Validate checks paths, names and what a state needs.
func (d *Deployment) Validate() error {
	var faults []error
	fault := func(attr, format string, args ...any) {
		faults = append(faults, &modules.AttrError{Attr: attr, Reason: fmt.Sprintf(format, args...)})
	}
	paths := map[string]string{"": d.Dir, "program": d.Program, "repository": d.Repository, "stack": d.Stack, "spec": d.Spec, "kubeconfig": d.Kubeconfig}
	for _, attr := range slices.Sorted(maps.Keys(paths)) {
		if p := paths[attr]; p == "" && attr != "" && attr != "program" || path.IsAbs(p) && path.Clean(p) == p && p != "/" {
			continue
		}
		fault(attr, "%q: write an absolute path without a slash at its end", paths[attr])
	}
	if !idForm.MatchString(d.ClusterID) {
		fault("cluster_id", "%q is no cluster id: deployment.yml in the folder tells it", d.ClusterID)
	}
	if !slices.Contains([]string{"created", "prepared", "started"}, d.State) {
		fault("state", "%q: write created, prepared or started", d.State)
	}
	if d.State != "created" && d.Kubeconfig == "" {
		fault("kubeconfig", "%s cannot be seen without it", d.State)
	}
	if d.Commit != "" && (!commitForm.MatchString(d.Commit) || d.Repository == "") {
		fault("commit", "%q: write 40 hexadecimal digits, and the repository", d.Commit)
	}
	for _, name := range slices.Sorted(maps.Keys(d.Config)) {
		if !variableForm.MatchString(name) {
			fault("config", "%q is no name of a variable", name)
		}
	}
	if d.User != "" && !userForm.MatchString(d.User) {
		fault("user", "%q is no name of a user", d.User)
	}
	return errors.Join(faults...)
}

// Plan reads the folder, the repository, the job, docker, the cluster and the process.
func (d *Deployment) Plan(ctx context.Context, h host.Reader) (modules.Change, error) {
	o, err := d.observe(ctx, h)
	if err != nil {
		return modules.Change{}, err
	}
	last := d.offered.Load()
	o.ours = last != nil && o.job.Since.After(*last)
	c := d.decide(ctx, o)
	switch {
	case last != nil:
	case d.startsJob(c):
		d.offered.Store(&o.job.Since)
	case o.job.Phase == job.Running: // another run's, that this one waits for
		before := o.job.Since.Add(-1)
		d.offered.Store(&before)
	}
	return c, nil
}

// startsJob tells whether a step of a change starts laconic-so.
func (d *Deployment) startsJob(c modules.Change) bool {
	return slices.ContainsFunc(c.Steps, func(s host.Step) bool {
		script, ok := s.(host.Script)
		return ok && slices.Contains(script.Argv, d.job("").ID)
	})
}
