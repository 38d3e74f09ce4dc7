package laconic

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"bisc/internal/lab"
	"bisc/internal/lab/cluster"
	"bisc/internal/lab/reached"
	"bisc/internal/lab/standin/agave"
	"bisc/internal/lab/standin/laconic"
	"bisc/internal/lab/standin/stack"
	"bisc/layers"
	"bisc/modules/kindtest"
)

// site is a host with laconic-so, a deployment's folder and no cluster.
func site(t *testing.T) (*reached.Bench, *stack.Site) {
	h := lab.ForTest(t, lab.Options{Hosts: []lab.HostOptions{{Name: "laconic", Docker: true}}}).Host("laconic")
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(cluster.Prepare(t.Context(), h, cluster.A))
	installed, err := stack.Install(t.Context(), h)
	must(err)
	_, err = installed.CreateDeployment(t.Context(), stack.ID)
	must(err)
	image, err := agave.Build(t.Context(), agave.Options{})
	must(err)
	must(installed.LoadImage(t.Context(), image))
	return reached.New(t, h), &stack.Site{Installed: installed, Cluster: &cluster.Cluster{
		Host: h, ID: stack.ID, Node: stack.ID + "-control-plane", Namespace: "laconic-" + stack.ID, Deployment: stack.ID + "-deployment", Kubeconfig: cluster.Home + "/.kube/config"}}
}

func siteDeployment(s *stack.Site, edit func(*Deployment)) *Deployment {
	d := DeploymentKind.New(stack.Deployment).(*Deployment)
	d.Program, d.Repository, d.ClusterID, d.Kubeconfig, d.State = stack.Program, stack.Repository, stack.ID, s.Kubeconfig, "prepared"
	d.Stack, d.Spec, d.Commit = stack.Definition, stack.Stack+"/deployment/spec.yml", s.Commits[stack.Main]
	d.Config = map[string]string{"LIMIT_LEDGER_SIZE": "50000000"}
	if edit != nil {
		edit(d)
	}
	return d
}

// TestDeploymentOnACluster prepares a deployment with a real API, is interrupted in the middle of it (incident 17), cleans up after
// that, survives its connection, and follows a value to the process.
func TestDeploymentOnACluster(t *testing.T) {
	b, s := site(t)
	done := func(when string, d *Deployment) {
		t.Helper()
		if o := b.Apply(t, d); o.Err != nil || o.State != layers.Changed && o.State != layers.InSync {
			t.Fatalf("%s: %v %v\n%s", when, o.State, o.Err, kindtest.Print(o.Change))
		}
		if c := b.Plan(t, d); !c.InSync() {
			t.Fatalf("%s: a second plan is not empty: %s", when, kindtest.Print(c))
		}
	}
	fault := func(json string) { b.Shell(t, `echo "$1" >`+laconic.FaultFile, json) }

	done("created", siteDeployment(s, func(d *Deployment) { d.State = "created" }))

	fault(`{"hang_at": "caddy"}`)
	killed := make(chan error, 1)
	go func() {
		_, err := b.Lab.Shell(t.Context(), `until grep -sq 'hanging at caddy' /var/lib/bisc/jobs/laconic-so.*/output; do sleep 0.1; done; systemctl kill -s KILL 'bisc-job-laconic-so.*'`)
		killed <- err
	}()
	o := b.Apply(t, siteDeployment(s, nil))
	if err := <-killed; err != nil {
		t.Fatal(err)
	}
	if o.Err == nil || !strings.Contains(o.Err.Error(), "ended by signal KILL") {
		t.Fatalf("an interrupted start: %v %v", o.State, o.Err)
	}
	fault(`{}`)
	again := siteDeployment(s, nil)
	wants(t, kindtest.Print(b.Plan(t, again)), "caddy: left by an interrupted start: namespaces/caddy-system, clusterroles/caddy-ingress-controller", "destroys: what is left of Caddy's", "prepare --skip-cluster-management",
		"laconic-so failed after")
	done("prepared after an interrupted start", again)
	b.Shell(t, `! pgrep -x agave-validator`)
	client := s.Client(t)
	if _, err := client.Resource(cluster.Deployments).Namespace(s.Namespace).Get(t.Context(), s.Deployment, metav1.GetOptions{}); err == nil {
		t.Error("prepare has made the Deployment")
	}

	t.Run("the connection is lost while it works", func(t *testing.T) {
		gone(t, b, s)
		fault(`{"load_seconds": 20}`)
		d := siteDeployment(s, nil)
		w, err := b.Writer(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		c, err := d.Plan(t.Context(), w)
		if err != nil || len(c.Steps) == 0 {
			t.Fatalf("%s, %v", kindtest.Print(c), err)
		}
		for _, step := range c.Steps {
			if err := w.Do(t.Context(), step); err != nil {
				t.Fatal(err)
			}
		}
		b.Cut()
		after := siteDeployment(s, nil)
		wants(t, kindtest.Print(b.Plan(t, after)), "laconic-so: running for", "-> done", "!step")
		until(t, func() bool { return b.Plan(t, after).InSync() })
	})

	t.Run("a value is followed to the process", func(t *testing.T) {
		gone(t, b, s)
		fault(`{}`)
		done("started, with volumes that were kept for claims that are gone (incident 20)", siteDeployment(s, func(d *Deployment) { d.State = "started" }))
		until(t, func() bool { return b.Shell(t, `pgrep -x agave-validator || true`) != "" })
		want := siteDeployment(s, func(d *Deployment) {
			d.State, d.Arguments = "started", map[string]string{"--limit-ledger-size": "50000000"}
		})
		until(t, func() bool { return b.Plan(t, want).InSync() })
		b.Shell(t, `sed -i s/LIMIT_LEDGER_SIZE=50000000/LIMIT_LEDGER_SIZE=1/ `+stack.Deployment+`/config.env`)
		wants(t, kindtest.Print(b.Plan(t, want)), `config.env[LIMIT_LEDGER_SIZE]: "1" -> "50000000"`)
		done("config.env is written", want)
		want.Config["LIMIT_LEDGER_SIZE"], want.Arguments["--limit-ledger-size"] = "60000000", "60000000"
		o := b.Apply(t, want)
		wants(t, kindtest.Print(b.Plan(t, want)), `config[LIMIT_LEDGER_SIZE]: "50000000" in process`, `| "60000000" in config.env`, `| "50000000" in the Deployment`, "arguments[--limit-ledger-size]: --limit-ledger-size 50000000 in process")
		if o.Err != nil {
			t.Errorf("what is left to others is no failure: %v", o.Err)
		}
	})
}

// gone deletes the deployment's namespace and waits until it is.
func gone(t *testing.T, b *reached.Bench, s *stack.Site) {
	t.Helper()
	spaces := s.Client(t).Resource(cluster.Namespaces)
	if err := spaces.Delete(t.Context(), s.Namespace, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	until(t, func() bool {
		_, err := spaces.Get(t.Context(), s.Namespace, metav1.GetOptions{})
		return err != nil
	})
}

func until(t *testing.T, good func() bool) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		if good() {
			return
		}
	}
	t.Fatal("it did not come to that in two minutes")
}
