package laconic

import (
	"encoding/base64"
	"errors"
	"fmt"
	"testing"
	"time"

	"bisc/internal/host"
	"bisc/internal/host/hosttest"
	"bisc/modules"
)

const (
	id       = "laconic-1"
	space    = "laconic-laconic-1"
	tool     = "/home/rix/stack-orchestrator"
	toolHead = "974eed0c974eed0c974eed0c974eed0c974eed0c"
	withAll  = "@click.option(\n    \"--skip-cluster-management/--perform-cluster-management\",\n    default=True,\n)\ndef start(ctx):\n    pass\n\ndef prepare(ctx, skip_cluster_management):\n"
	without  = "def start(ctx):\n"
	deploySp = "stack: /srv/stack\nkind-mount-root: /srv/kind\nnetwork:\n  ports:\n    agave-validator: ['8899']\nvolumes:\n  validator-ledger: /srv/kind/solana/ledger\nconfig:\n  LIMIT: 5\n  DB_PASSWORD: hunter2\n"
)

func TestDeploymentInOrder(t *testing.T) {
	for _, s := range []string{"created", "prepared", "started"} {
		wants(t, outcome(t, wantDeployment(func(d *Deployment) {
			d.State, d.Commit, d.Config = s, toolHead, map[string]string{"LIMIT": "5", "DB_PASSWORD": "hunter2"}
		}), world()), "in sync")
	}
}

func TestDeploymentFolder(t *testing.T) {
	const spec2 = "stack: /srv/stack\nkind-mount-root: /srv/kind\nnetwork:\n  ports:\n    agave-validator: ['8899', 8001/udp]\nvolumes:\n  validator-ledger: /srv/kind/solana/ledger\nconfig:\n  LIMIT: 6\n  DB_PASSWORD: hunter3\n"
	both := func(d *Deployment) {
		d.State, d.Stack, d.Spec, d.User = "created", "/srv/stack", "/srv/spec.yml", "rix"
	}
	f := world()
	f.Files["/srv/spec.yml"] = deploySp
	wants(t, outcome(t, wantDeployment(both), f), "in sync")
	f.Files["/srv/spec.yml"] = spec2
	got := outcome(t, wantDeployment(both), f)
	wants(t, got, "now spec: spec.yml of "+folder+" -> /srv/spec.yml", "| -config.LIMIT: 5", "| +config.LIMIT: 6", "| +network.ports.agave-validator[1]: 8001/udp", "-config.DB_PASSWORD: secret:", "!hunter",
		"[laconic-so as] rix /home/rix/.local/bin/laconic-so --stack /srv/stack deploy create --spec-file /srv/spec.yml --deployment-dir "+folder+" --update")
	wants(t, outcome(t, wantDeployment(func(d *Deployment) { both(d); d.Stack = "" }), f), "laconic-so --update needs the stack", "!step")
	delete(f.Files, folder+"/deployment.yml")
	f.Missing[folder+"/deployment.yml"] = true
	wants(t, outcome(t, wantDeployment(both), f), "folder: no deployment.yml", "deploy create --spec-file /srv/spec.yml --deployment-dir "+folder+"\n", "!--update")
	wants(t, outcome(t, wantDeployment(state("created")), f), "folder: no deployment.yml", "name both (stack, spec)", "!step")
	delete(f.Files, "/srv/spec.yml")
	f.Missing["/srv/spec.yml"] = true
	wants(t, outcome(t, wantDeployment(both), f), "spec: no file /srv/spec.yml", "!step")
	f = world()
	f.Files[folder+"/deployment.yml"] = "cluster-id: laconic-2\n"
	wants(t, outcome(t, wantDeployment(state("created")), f), "cluster_id: laconic-2 -> laconic-1", "another deployment's", "!step")
	wants(t, outcome(t, wantDeployment(func(d *Deployment) { d.State, d.Commit = "created", first }), world()), "laconic-so: "+toolHead+" (branch main) -> "+first)
}

// Incident 21: spec changes were never applied, for --update leaves config.env alone. The first place that has another value than
// wanted is named, and config.env, which nothing writes, is written.
func TestIncident21_ConfigEnvThatUpdateDoesNotRewrite(t *testing.T) {
	want := func(d *Deployment) {
		d.Config = map[string]string{"LIMIT": "6", "NEW": "a b", "DB_PASSWORD": "hunter3"}
	}
	f := world()
	f.Files[folder+"/config.env"] = "# by laconic-so\nLIMIT=5\nOTHER=x\nDB_PASSWORD=hunter2\nLIMIT=4\n"
	got := outcome(t, wantDeployment(want), f)
	wants(t, got, `now config.env[LIMIT]: "4" -> "6"`, `now config.env[NEW]: (unset) -> "a b"`, "now config.env[DB_PASSWORD]: secret:", "!hunter", "put "+folder+"/config.env", "secret, mode 0640, owner 1000:1001", "!why",
		`| "5" in spec.yml`, `| "5" in the Deployment`)
	c, err := wantDeployment(want).Plan(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	put := c.Steps[0].(host.Put)
	if want := "# by laconic-so\nLIMIT=6\nOTHER=x\nDB_PASSWORD=hunter3\nNEW=a b\n"; string(put.Content) != want || put.Was != host.ContentDigest([]byte(f.Files[folder+"/config.env"])) {
		t.Errorf("config.env becomes\n%s", put.Content)
	}
	// Once it is written, the live Deployment is what is left behind.
	f.Files[folder+"/config.env"] = string(put.Content)
	wants(t, outcome(t, wantDeployment(want), f), `config[LIMIT]: "5" in the Deployment -> "6"`, "start changes no Deployment that exists", "!step", "!hunter")
}

// Incident 22: a compose file's default was changed, and the specification overrides it; what counts is what the process has. A value
// and its origin are shown, place by place.
func TestIncident22_EffectiveValueAndItsOrigin(t *testing.T) {
	f := world()
	f.Answers["reading validators"] = host.Output{Stdout: []byte("41 agave-validator 5 running\n42 agave-validator 6 stuck x\n42/43 io 7 stuck waits x\n")}
	f.Files["/proc/41/cmdline"] = "agave-validator\x00exit\x00"
	f.Files["/proc/41/environ"] = "LIMIT=1\x00"
	f.Files["/proc/42/cmdline"] = "agave-validator\x00--limit-ledger-size\x0050000000\x00--rpc-port=8899\x00--no-snapshots\x00--known\x00a\x00--known\x00b\x00"
	f.Files["/proc/42/environ"] = "PATH=/bin\x00LIMIT=4\x00DB_PASSWORD=hunter1\x00"
	want := func(d *Deployment) {
		d.State = "created"
		d.Config = map[string]string{"LIMIT": "5", "DB_PASSWORD": "hunter2"}
		d.Arguments = map[string]string{"--limit-ledger-size": "50000000", "--rpc-port": "8899", "--no-snapshots": "", "--known": "a"}
	}
	got := outcome(t, wantDeployment(want), f)
	wants(t, got, `config[LIMIT]: "4" in process 42 -> "5"`, "restart it", `| "5" in spec.yml`, `| "5" in config.env`, `| "5" in the Deployment`, `| "4" in process 42`,
		"config[DB_PASSWORD]: secret:", "arguments[--known]: --known a --known b in process 42 -> --known a", "!limit-ledger", "!rpc-port", "!no-snap", "!hunter", "!step")
	wants(t, outcome(t, wantDeployment(func(d *Deployment) { want(d); d.Secrets = []string{"LIMIT"} }), f), "config[LIMIT]: secret:", "!\"4\"")
	wants(t, outcome(t, wantDeployment(func(d *Deployment) { want(d); d.Container = "doublezerod" }), f), "!in the Deployment")
	f.Missing["/proc/42/cmdline"] = true // it has ended meanwhile
	delete(f.Files, "/proc/42/cmdline")
	wants(t, outcome(t, wantDeployment(want), f), `config[LIMIT]: "1" in process 41`)
	f.Answers["reading validators"] = host.Output{Exit: 3, Stderr: []byte("not root\n")}
	wants(t, outcome(t, wantDeployment(want), f), "error: the validator's process", "not root")
	f = world()
	f.Kubes[space+" apps/v1/deployments/"+id+"-deployment"] = `{"spec":{"template":{"spec":{"containers":[{"name":"agave-validator","env":[{"name":"LIMIT","valueFrom":{"secretKeyRef":{"name":"s"}}}]}]}}}}`
	wants(t, outcome(t, wantDeployment(func(d *Deployment) { d.Config = map[string]string{"LIMIT": "5"} }), f), `from {\"secretKeyRef\":{\"name\":\"s\"}}`)
}

func TestDeploymentIsStarted(t *testing.T) {
	const run = "[start job] laconic-so." + id + " '' '' 1200 '' /home/rix/.local/bin/laconic-so deployment --dir " + folder + " "
	noNode := func(f *hosttest.Fake) { f.Dockers["docker container "+id+"-control-plane"] = "" }
	old := func(f *hosttest.Fake) { f.Files[tool+"/"+formsFile] = without }
	cordoned := func(f *hosttest.Fake) {
		f.Kubes["v1/nodes/"+id+"-control-plane"] = `{"spec":{"unschedulable":true},"status":{"conditions":[{"type":"Ready","status":"True"}]}}`
	}
	nothing := func(*hosttest.Fake) {}
	unreadable := func(f *hosttest.Fake) {
		delete(f.Files, tool+"/"+formsFile)
		f.Missing[tool+"/"+formsFile] = true
	}
	help := func(f *hosttest.Fake) {
		unreadable(f)
		f.Answer(0, "Commands:\n  prepare\n  start\n", "/home/rix/.local/bin/laconic-so", "deployment", "--dir", folder, "--help")
		f.Answer(0, "Options:\n  --skip-cluster-management / --perform-cluster-management\n", "/home/rix/.local/bin/laconic-so", "deployment", "--dir", folder, "start", "--help")
	}
	silent := func(f *hosttest.Fake) {
		unreadable(f)
		for _, q := range []string{" --help", " start --help"} {
			f.Errors["probe /home/rix/.local/bin/laconic-so deployment --dir "+folder+q] = host.ErrNoProbes
		}
	}
	for _, tt := range []struct {
		name  string
		edit  func(*Deployment)
		hosts []func(*hosttest.Fake)
		wants []string
	}{
		{"prepare, in a cluster", nil, []func(*hosttest.Fake){nothing}, []string{"prepared: missing: the namespace " + space + " -> laconic-so prepare --skip-cluster-management, at " + toolHead + " (branch main)",
			run + "prepare --skip-cluster-management", "no validator lives", "settle: 22m", "!destroys"}},
		{"prepare, and the cluster", nil, []func(*hosttest.Fake){noNode}, []string{"missing: the cluster", run + "prepare --perform-cluster-management"}},
		{"start", state("started"), []func(*hosttest.Fake){nothing}, []string{run + "start --skip-cluster-management"}},
		{"an old one on a node that takes pods", nil, []func(*hosttest.Fake){old}, []string{"has no `prepare`", "Cordon the node first", "!step"}},
		{"an old one on a cordoned node", nil, []func(*hosttest.Fake){old, cordoned}, []string{run + "start < secret  [guards"}},
		{"an old one without a cluster", nil, []func(*hosttest.Fake){old, noNode}, []string{run + "start < secret  [guards"}},
		{"its forms are told by its help", nil, []func(*hosttest.Fake){help}, []string{run + "prepare --skip-cluster-management"}},
		{"its forms are not known", nil, []func(*hosttest.Fake){silent}, []string{"which forms this laconic-so has is not known", "!step"}},
		{"another limit and user", func(d *Deployment) { d.Limit, d.User = time.Hour, "rix" }, []func(*hosttest.Fake){nothing}, []string{"laconic-so." + id + " rix '' 3600", "settle: 1h2m"}},
		{"the node does not run", nil, []func(*hosttest.Fake){func(f *hosttest.Fake) {
			f.Dockers["docker container "+id+"-control-plane"] = `{"Name":"/` + id + `-control-plane","State":{"Status":"exited"}}`
		}}, []string{"node: exited -> running", "!step"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := bare(world())
			for _, change := range tt.hosts {
				change(f)
			}
			wants(t, outcome(t, wantDeployment(tt.edit), f), tt.wants...)
		})
	}
}

func TestDeploymentJob(t *testing.T) {
	tail := "tail " + base64.StdEncoding.EncodeToString([]byte("Loading images into kind\n")) + "\n"
	f := bare(world())
	jobIs(f, "unit active\nnow b 1180\nboot b\nstarted 1000\nlimit 1200\n"+tail)
	wants(t, outcome(t, wantDeployment(nil), f), "laconic-so: running for 3m0s of 20m0s: Loading images into kind -> done", "settle: 18m", "!step", "!why")
	f.Errors["kube v1/namespaces/"+space] = fmt.Errorf("x: %w", host.ErrNoAPI) // while the cluster is made
	wants(t, outcome(t, wantDeployment(nil), f), "laconic-so: running")
	f = bare(world())
	const ended = "unit inactive\nnow b 1180\nboot b\nstarted 1000\nlimit 1200\n"
	jobIs(f, ended+"status exit-code exited 1 1170 running\n"+tail)
	wants(t, outcome(t, wantDeployment(nil), f), "laconic-so failed after 2m50s: exit status 1: Loading", "| Loading images", "[start job]", "[guards: job not at work, no validator lives]")
	// What this run has started and seen fail is not started again by it.
	for end, says := range map[string]string{"exit-code exited 1": "look at its output first (/var/lib/bisc/jobs/laconic-so." + id + "/output)", "success exited 0": "has ended well, and this is missing all the same"} {
		d := wantDeployment(nil)
		jobIs(f, "unit inactive\nnow b 900\n")
		wants(t, outcome(t, d, f), "[start job]")
		wants(t, outcome(t, d, f), "[start job]")
		jobIs(f, ended+"status "+end+" 1170 running\n"+tail)
		wants(t, outcome(t, d, f), says, "| Loading images", "!step")
	}
	jobIs(f, "unit inactive\nnow c 1180\nboot b\nstarted 1000\nlimit 1200\n"+tail)
	wants(t, outcome(t, wantDeployment(nil), f), "lost: it was running when the host went down", "[start job]")
}

// Unknown is not absent.
func TestDeploymentUnknown(t *testing.T) {
	f := world()
	f.Errors["kube v1/persistentvolumes"] = fmt.Errorf("x: %w", host.ErrNoAPI)
	wants(t, outcome(t, wantDeployment(nil), f), "error:", "does not answer", "!missing")
	f = world()
	f.Errors["docker container "+id+"-control-plane"] = host.ErrNotListening
	wants(t, outcome(t, wantDeployment(nil), f), "error: ask docker")
	f = world()
	f.Files[folder+"/deployment.yml"] = "a: ["
	wants(t, outcome(t, wantDeployment(nil), f), "error: "+folder+"/deployment.yml")
	f = world()
	f.Answers["reading git-state '' "+tool+" ''"] = host.Output{Exit: 5, Stderr: []byte("dubious\n")}
	wants(t, outcome(t, wantDeployment(nil), f), "error: the repository "+tool, "dubious")
}

func TestDeploymentNames(t *testing.T) {
	d := wantDeployment(func(d *Deployment) { d.Namespace, d.Node, d.Deployment, d.Context = "n", "c", "dep", "ctx" })
	if got := fmt.Sprint(d.namespace(), " ", d.node(), " ", d.object(), " ", d.api().Context); got != "n c dep ctx" {
		t.Error(got)
	}
	for _, tt := range []struct {
		attr string
		edit func(*Deployment)
	}{
		{"", func(d *Deployment) { d.Dir = "x" }},
		{"program", func(d *Deployment) { d.Program = "laconic-so" }},
		{"program", func(d *Deployment) { d.Program = "" }},
		{"repository", func(d *Deployment) { d.Repository = "/x/" }},
		{"stack", func(d *Deployment) { d.Stack = "x" }},
		{"spec", func(d *Deployment) { d.Spec = "spec.yml" }},
		{"kubeconfig", func(d *Deployment) { d.Kubeconfig = "" }},
		{"cluster_id", func(d *Deployment) { d.ClusterID = "A b" }},
		{"state", func(d *Deployment) { d.State = "up" }},
		{"commit", func(d *Deployment) { d.Commit = "main" }},
		{"config", func(d *Deployment) { d.Config = map[string]string{"a-b": ""} }},
		{"user", func(d *Deployment) { d.User = "a b" }},
	} {
		var fault *modules.AttrError
		if err := wantDeployment(tt.edit).Validate(); !errors.As(err, &fault) || fault.Attr != tt.attr {
			t.Errorf("%s: %v", tt.attr, err)
		}
	}
}
