package kube

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"bisc/internal/host"
	"bisc/internal/host/hosttest"
	"bisc/modules"
	"bisc/modules/kindtest"
)

var stoppedName = host.ValidatorStopped().Name

const (
	wantedImage = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	oldImage    = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
)

// validator is a Deployment as it should be, at 1 replica and running.
const validatorJSON = `{"metadata":{"name":"dep","uid":"d-1","resourceVersion":"7","generation":3},
"spec":{"replicas":1,"selector":{"matchLabels":{"app":"x"}},"strategy":{"type":"Recreate"},"template":{"spec":{"terminationGracePeriodSeconds":300,
"containers":[{"name":"agave-validator","image":"lab/agave:local","env":[{"name":"AGAVE_MODE","value":"rpc"}],
"ports":[{"containerPort":8001,"protocol":"TCP"},{"containerPort":8001,"protocol":"UDP"}],
"lifecycle":{"preStop":{"exec":{"command":["agave-validator","--ledger","/data/ledger","exit","--force"]}}}},
{"name":"doublezerod","image":"lab/doublezero:local"}]}}},"status":{"replicas":1,"observedGeneration":3}}`

const livePodJSON = `{"metadata":{"name":"dep-a","uid":"p-1111111","labels":{"app":"x"}},"spec":{"nodeName":"node","terminationGracePeriodSeconds":300,
"containers":[{"name":"agave-validator","lifecycle":{"preStop":{"exec":{"command":["agave-validator","--ledger","/data/ledger","exit","--force"]}}}}]},
"status":{"phase":"Running","containerStatuses":[{"name":"agave-validator","imageID":"` + wantedImage + `","state":{"running":{"startedAt":"2026-03-07T10:00:00Z"}}}]}}`

func from[T any](t *testing.T, text string) (out T) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// live is what is seen of a validator that runs as it should.
func live(t *testing.T, change ...func(*deploymentSeen)) deploymentSeen {
	s := deploymentSeen{Deployed: Deployed{Deployment: from[Deployment](t, validatorJSON), Pods: []Pod{from[Pod](t, livePodJSON)}, Coming: 1}}
	s.node = Node{Name: "node", PID: 7, Published: map[string]bool{"8001/udp": true}}
	s.images = nodeImages{{ID: wantedImage, Tags: []string{fullRef("lab/agave:local")}}}
	for _, f := range change {
		f(&s)
	}
	return s
}

// atZero is a Deployment at rest.
func atZero(s *deploymentSeen) {
	s.Deployment.Spec.Replicas, s.Deployment.Status.Replicas, s.Coming, s.Pods = new(int64), 0, 0, nil
}

func container0(s *deploymentSeen) *Container { return &s.Deployment.Spec.Template.Spec.Containers[0] }

func leaving(s *deploymentSeen) {
	at, grace := time.Date(2026, 3, 7, 10, 0, 0, 0, time.UTC), int64(300)
	s.Pods[0].Meta.DeletionTimestamp, s.Pods[0].Meta.DeletionGrace = &at, &grace
}

func replicas(n int) *int { return &n }

// whole wants everything that the kind compares.
func whole(n *int) *WantedDeployment {
	d := DeploymentKind.New("dep").(*WantedDeployment)
	grace := 300
	d.Kubeconfig, d.Namespace, d.Node = "/k", "ns", "node"
	d.Replicas, d.Image, d.ImageID, d.Env, d.EnvAbsent = n, "lab/agave:local", wantedImage, map[string]string{"AGAVE_MODE": "rpc"}, []string{"GOSSIP_HOST"}
	d.Images = map[string]string{"doublezerod": "lab/doublezero:local"}
	d.Strategy, d.Grace, d.PreStop, d.Ports, d.Published = "Recreate", &grace, true, []string{"8001/udp"}, []string{"8001/udp"}
	return d
}

func TestDeploymentDecides(t *testing.T) {
	guarded := "  [guards: " + stoppedName + "]\n"
	gossip := func(s *deploymentSeen) {
		c := container0(s)
		c.Env = append(c.Env, EnvVar{Name: "GOSSIP_HOST", Value: "192.0.2.1"})
	}
	short := func(s *deploymentSeen) { g := int64(30); s.Pods[0].Spec.Grace = &g }
	hookless := func(s *deploymentSeen) { s.Pods[0].Spec.Containers[0].Lifecycle.PreStop = nil }
	for name, tt := range map[string]struct {
		n      *int
		seen   []func(*deploymentSeen)
		change func(*WantedDeployment)
		want   []string // each is in the printed change
		not    []string
	}{
		"in sync":            {n: replicas(1), want: []string{"in sync\n"}},
		"at zero, in sync":   {n: replicas(0), seen: []func(*deploymentSeen){atZero}, want: []string{"in sync\n"}},
		"replicas not given": {seen: []func(*deploymentSeen){atZero}, want: []string{"in sync\n"}},
		"no such Deployment": {n: replicas(1), seen: []func(*deploymentSeen){func(s *deploymentSeen) { s.missing = true }}, want: []string{"why: there is no such Deployment"}, not: []string{"step:"}},
		"no such container": {n: replicas(0), seen: []func(*deploymentSeen){func(s *deploymentSeen) { container0(s).Name = "x" }},
			want: []string{"why: the pod template has no such container"}, not: []string{"step:"}},

		"the template, while it runs": {n: replicas(1), seen: []func(*deploymentSeen){gossip},
			want: []string{`now env[GOSSIP_HOST]: "192.0.2.1" -> (none)` + "\n    why: only at 0 replicas"}, not: []string{"step:"}},
		"the template, while a pod ends": {n: nil, seen: []func(*deploymentSeen){atZero, gossip, func(s *deploymentSeen) { s.Pods = []Pod{{}}; leaving(s) }},
			want: []string{"why: only at 0 replicas"}, not: []string{"step:"}},
		"the template, not followed yet": {seen: []func(*deploymentSeen){atZero, gossip, func(s *deploymentSeen) { s.Deployment.Meta.Generation = 4 }},
			want: []string{"why: the cluster has not followed the last change yet (status.replicas 0, 0 pods to come, generation 3 of 4)"}, not: []string{"step:"}},
		"the template, a pod to come": {seen: []func(*deploymentSeen){atZero, gossip, func(s *deploymentSeen) { s.Coming = 1 }},
			want: []string{"why: the cluster has not followed the last change yet (status.replicas 0, 1 pods to come"}, not: []string{"step:"}},
		"the template, a ReplicaSet not followed yet": {seen: []func(*deploymentSeen){atZero, gossip, func(s *deploymentSeen) { s.Behind = []string{"dep-7d"} }},
			want: []string{"why: the cluster has not followed the last change yet (the controller of the ReplicaSets has not followed the last change of dep-7d)"}, not: []string{"step:"}},
		"start, a ReplicaSet not followed yet": {n: replicas(1), seen: []func(*deploymentSeen){atZero, func(s *deploymentSeen) { s.Behind = []string{"dep-7d"} }},
			want: []string{"why: the cluster has not followed"}, not: []string{"step:"}},
		"at zero, a pod may still come": {n: replicas(0), seen: []func(*deploymentSeen){atZero, func(s *deploymentSeen) { s.Behind = []string{"dep-7d"} }},
			want: []string{"now controllers: the controller of the ReplicaSets has not followed the last change of dep-7d -> have followed\nsettle: 2m0s\n"}, not: []string{"step:", "why:"}},
		"at zero, a pod may still come, an exit follows": {n: replicas(0), seen: []func(*deploymentSeen){atZero, func(s *deploymentSeen) { s.Behind = []string{"dep-7d"} }},
			change: func(d *WantedDeployment) { d.AwaitPods = false }, want: []string{"not being deleted yet: (none); the controller of the ReplicaSets has not followed", "settle: 2m0s"}},
		"a variable, not followed, and others wrote that": {seen: []func(*deploymentSeen){atZero, func(s *deploymentSeen) { s.Deployment.Meta.Generation = 4 }},
			change: func(d *WantedDeployment) { d.Strategy, d.Grace, d.PreStop = "", nil, false }, want: []string{"in sync\n"}},
		"the template, not followed, and a run that was cut wrote it": {seen: []func(*deploymentSeen){atZero, func(s *deploymentSeen) { s.Deployment.Meta.Generation = 4 }},
			want: []string{"now controllers: status.replicas 0, 0 pods to come, generation 3 of 4 -> have followed\nsettle: 2m0s\n"}, not: []string{"step:", "why:"}},
		"the template is written, and not followed yet": {seen: []func(*deploymentSeen){atZero, func(s *deploymentSeen) { s.Deployment.Meta.Generation = 4 }},
			change: func(d *WantedDeployment) { d.Strategy, d.Grace, d.PreStop = "", nil, false; d.wrote.Store(true) }, want: []string{"now controllers: status.replicas 0, 0 pods to come, generation 3 of 4 -> have followed\nsettle: 2m0s\n"}, not: []string{"step:", "why:"}},
		"the template, at rest": {n: replicas(0), seen: []func(*deploymentSeen){atZero, gossip},
			want: []string{`step: kubernetes strategic-patch ns apps/v1/deployments/dep (uid d-1) {"spec":{"template":{"spec":{"containers":[{"env":[{"$patch":"delete","name":"GOSSIP_HOST"}],"name":"agave-validator"}]}}}}` + guarded}},
		"strategy, at rest": {n: replicas(0), seen: []func(*deploymentSeen){atZero, func(s *deploymentSeen) { s.Deployment.Spec.Strategy.Type = "RollingUpdate" }},
			want: []string{`{"spec":{"strategy":{"$retainKeys":["type"],"type":"Recreate"}}}` + guarded}},
		"grace, at rest": {n: replicas(0), seen: []func(*deploymentSeen){atZero, func(s *deploymentSeen) { s.Deployment.Spec.Template.Spec.Grace = nil }},
			want: []string{"now termination_grace: 30s -> 300s", `{"spec":{"template":{"spec":{"terminationGracePeriodSeconds":300}}}}`}},
		"hook, at rest": {n: replicas(0), seen: []func(*deploymentSeen){atZero, func(s *deploymentSeen) { container0(s).Lifecycle.PreStop = nil }},
			want: []string{"now pre_stop: (none) -> agave-validator --ledger /data/ledger exit --force"}},
		"another order of the hook's words": {n: replicas(0), seen: []func(*deploymentSeen){atZero, func(s *deploymentSeen) {
			container0(s).Lifecycle.PreStop.Exec.Command = []string{"agave-validator", "exit", "--force", "--ledger", "/data/ledger"}
		}}, want: []string{"now pre_stop: agave-validator exit --force --ledger /data/ledger -> "}},
		"image, at rest": {n: replicas(0), seen: []func(*deploymentSeen){atZero, func(s *deploymentSeen) { container0(s).Image = "lab/agave:old" }},
			want: []string{"now image: lab/agave:old -> lab/agave:local", `"image":"lab/agave:local"`}},
		"image of another container": {n: replicas(0), seen: []func(*deploymentSeen){atZero, func(s *deploymentSeen) { s.Deployment.Spec.Template.Spec.Containers[1].Image = "old" }},
			want: []string{"now images[doublezerod]: old -> lab/doublezero:local", `[{"image":"lab/doublezero:local","name":"doublezerod"}]`}},
		"a variable from elsewhere": {n: replicas(0), seen: []func(*deploymentSeen){atZero, func(s *deploymentSeen) {
			container0(s).Env[0] = EnvVar{Name: "AGAVE_MODE", From: json.RawMessage(`{"secretKeyRef":{}}`)}
		}}, want: []string{`now env[AGAVE_MODE]: from elsewhere: {"secretKeyRef":{}} -> "rpc"`, `{"name":"AGAVE_MODE","value":"rpc","valueFrom":null}`}},

		"start": {n: replicas(1), seen: []func(*deploymentSeen){atZero},
			want: []string{"now replicas: 0 -> 1\nstep: kubernetes strategic-patch ns apps/v1/deployments/dep (uid d-1) {\"spec\":{\"replicas\":1}}" + guarded + "settle: 5m0s\n"}},
		"start with what the template lacks: one write": {n: replicas(1), seen: []func(*deploymentSeen){atZero, gossip},
			want: []string{"now replicas: 0 -> 1", "now env[GOSSIP_HOST]", `"$patch":"delete"`, `"replicas":1`}, not: []string{"why:"}},
		"start beside a Terminating pod": {n: replicas(1), seen: []func(*deploymentSeen){func(s *deploymentSeen) { s.Deployment.Spec.Replicas = new(int64); leaving(s) }},
			want: []string{"now replicas: 0 -> 1\n    why: a pod is still there: dep-a (uid p-111111) Terminating since 10:00:00"}, not: []string{"step:"}},
		"start beside a stray": {n: replicas(1), seen: []func(*deploymentSeen){func(s *deploymentSeen) { p := s.Pods; atZero(s); s.Strays = p }},
			want: []string{"why: a pod is still there"}, not: []string{"step:"}},
		"start with an unbound claim": {n: replicas(1), seen: []func(*deploymentSeen){atZero, gossip, func(s *deploymentSeen) { s.unbound = []string{"claim c is Pending"} }},
			want: []string{"now replicas: 0 -> 1\n    why: claim c is Pending: kube_volume mends it", `"$patch":"delete"`}, not: []string{`"replicas"`}},
		"start of what the node does not see": {n: replicas(1), seen: []func(*deploymentSeen){atZero, func(s *deploymentSeen) { s.unseen = []string{"/mnt/solana/ledger"} }},
			want: []string{"why: the node does not see /mnt/solana/ledger"}, not: []string{"step:"}},

		"stop": {n: replicas(0),
			want: []string{"now replicas: 1 -> 0\nstep: kubernetes merge-patch ns apps/v1/deployments/dep (uid d-1) {\"spec\":{\"replicas\":0}}\nsettle: 6m0s\n"}},
		"stop with a short grace": {n: replicas(0), seen: []func(*deploymentSeen){short},
			want: []string{"now replicas: 1 -> 0\n    why: the pod dep-a has 30 s of grace"}, not: []string{"step:"}},
		"stop with a short grace that the template no longer has": {n: replicas(0), seen: []func(*deploymentSeen){short},
			change: func(d *WantedDeployment) { d.AwaitPods = false }, want: []string{"why: the pod dep-a has 30 s of grace"}, not: []string{"step:"}},
		"stop of a pod on no node": {n: replicas(0), seen: []func(*deploymentSeen){short, hookless, func(s *deploymentSeen) { s.Pods[0].Spec.NodeName = "" }},
			want: []string{"step: kubernetes merge-patch"}, not: []string{"why:"}},
		"stop without a hook": {n: replicas(0), seen: []func(*deploymentSeen){hookless},
			want: []string{"why: the pod dep-a has no hook that asks agave to exit"}, not: []string{"step:"}},
		"stop without a hook, and an exit follows": {n: replicas(0), seen: []func(*deploymentSeen){hookless},
			change: func(d *WantedDeployment) { d.AwaitPods = false }, want: []string{"step: kubernetes merge-patch", "settle: 2m0s"}},
		"stopping": {n: replicas(0), seen: []func(*deploymentSeen){atZero, func(s *deploymentSeen) { s.Pods = []Pod{from[Pod](t, livePodJSON)}; leaving(s) }},
			want: []string{"now pods: dep-a (uid p-111111) Terminating since 10:00:00 -> (none)\nsettle: 6m0s\n"}, not: []string{"step:", "why:"}},
		"stopping without a hook": {n: replicas(0), seen: []func(*deploymentSeen){atZero, func(s *deploymentSeen) { s.Pods = []Pod{from[Pod](t, livePodJSON)}; leaving(s); hookless(s) }},
			want: []string{"    why: the pod dep-a has no hook that asks agave to exit"}, not: []string{"step:", "settle:"}},
		"stop while a pod of a short grace ends": {n: replicas(0), seen: []func(*deploymentSeen){leaving, short}, want: []string{"step: kubernetes merge-patch"}, not: []string{"why:"}},
		"start beside one that is over":          {n: replicas(1), seen: []func(*deploymentSeen){func(s *deploymentSeen) { p := s.Pods; atZero(s); s.Over = p }}, want: []string{"step: kubernetes strategic-patch"}, not: []string{"why:"}},
		"start of the image that the template names": {n: replicas(1), change: func(d *WantedDeployment) { d.Image = "" }, seen: []func(*deploymentSeen){atZero, func(s *deploymentSeen) { s.images = nil }},
			want: []string{"why: in the node lab/agave:local is (none), not sha256:aaaaaaaaaaaa"}, not: []string{"step:"}},
		// One that exits now would be started again by the kubelet, and nobody would ask that one.
		"at zero, its pod is not being deleted yet": {n: replicas(0), seen: []func(*deploymentSeen){func(s *deploymentSeen) { p := s.Pods; atZero(s); s.Pods = p }},
			change: func(d *WantedDeployment) { d.AwaitPods, d.PreStop = false, false }, want: []string{"now pods: not being deleted yet: dep-a", "settle: 2m0s"}, not: []string{"step:", "why:"}},
		"at zero, its status does not follow yet": {n: replicas(0), seen: []func(*deploymentSeen){atZero, func(s *deploymentSeen) { s.Deployment.Status.Replicas = 1 }},
			change: func(d *WantedDeployment) { d.AwaitPods, d.PreStop = false, false }, want: []string{"settle: 2m0s"}, not: []string{"step:", "why:"}},
		"stopping, nobody waits": {n: replicas(0), seen: []func(*deploymentSeen){atZero, func(s *deploymentSeen) { s.Pods = []Pod{{}}; leaving(s) }},
			change: func(d *WantedDeployment) { d.AwaitPods, d.PreStop = false, false }, want: []string{"in sync\n"}},
		"at zero, with a stray": {n: replicas(0), seen: []func(*deploymentSeen){func(s *deploymentSeen) { p := s.Pods; atZero(s); s.Strays = p }},
			want: []string{"why: the pod dep-a matches the selector, and nothing owns it"}},

		// It is not deleted with the others, and the watch asks nobody while one of the pods is to live.
		"stop beside a stray": {n: replicas(0), seen: []func(*deploymentSeen){func(s *deploymentSeen) { s.Strays = s.Pods }}, change: func(d *WantedDeployment) { d.AwaitPods = false },
			want: []string{"why: the pod dep-a matches the selector, and nothing owns it"}, not: []string{"step:"}},
		"stop beside a stray that is being deleted": {n: replicas(0), seen: []func(*deploymentSeen){leaving, func(s *deploymentSeen) { s.Strays = s.Pods }}, change: func(d *WantedDeployment) { d.AwaitPods = false },
			want: []string{"step: kubernetes merge-patch"}, not: []string{"why:"}},

		"two pods": {n: replicas(1), seen: []func(*deploymentSeen){func(s *deploymentSeen) { s.Pods = append(s.Pods, s.Pods[0]) }},
			want: []string{"why: there are two pods"}},
		"two replicas": {n: replicas(1), seen: []func(*deploymentSeen){func(s *deploymentSeen) { n := int64(2); s.Deployment.Spec.Replicas = &n }},
			want: []string{"now replicas: 2 -> 1\n    why: two validators"}, not: []string{"step:"}},
		"no pod yet": {n: replicas(1), seen: []func(*deploymentSeen){func(s *deploymentSeen) { s.Pods = nil }},
			want: []string{"now pods: (none) -> one, running\nsettle: 5m0s\n"}, not: []string{"step:"}},
		"a crash loop": {n: replicas(1), seen: []func(*deploymentSeen){func(s *deploymentSeen) {
			s.Pods[0].Status.Containers = from[[]ContainerStatus](t, `[{"name":"agave-validator","restartCount":4,"state":{"waiting":{"reason":"CrashLoopBackOff"}},"lastState":{"terminated":{"reason":"Error","exitCode":1}}}]`)
		}}, want: []string{"agave-validator: CrashLoopBackOff after Error (exit 1, restarts 4) -> one, running"}},
	} {
		t.Run(name, func(t *testing.T) {
			d := whole(tt.n)
			if tt.change != nil {
				tt.change(d)
			}
			got := kindtest.Print(d.decide(live(t, tt.seen...)))
			for _, w := range tt.want {
				if !strings.Contains(got, w) {
					t.Errorf("got:\n%s\nwant it to hold:\n%s", got, w)
				}
			}
			for _, w := range tt.not {
				if strings.Contains(got, w) {
					t.Errorf("got:\n%s\nwant nothing of %q", got, w)
				}
			}
		})
	}
}

func TestDeploymentValidates(t *testing.T) {
	for attr, change := range map[string]func(*WantedDeployment){
		"kubeconfig: ":         func(d *WantedDeployment) { d.Kubeconfig = "config" },
		"replicas: ":           func(d *WantedDeployment) { d.Replicas = replicas(2) },
		"termination_grace: ":  func(d *WantedDeployment) { d.Grace = replicas(30) },
		"strategy: ":           func(d *WantedDeployment) { d.Strategy = "RollingUpdate" },
		"image_id: write":      func(d *WantedDeployment) { d.ImageID = "sha256:1" },
		"image_id: it needs":   func(d *WantedDeployment) { d.Node = "" },
		"published: it needs":  func(d *WantedDeployment) { d.Node, d.ImageID = "", "" },
		`ports: "8001" is no`:  func(d *WantedDeployment) { d.Ports = []string{"8001"} },
		"env_absent: AGAVE":    func(d *WantedDeployment) { d.EnvAbsent = []string{"AGAVE_MODE"} },
		"images: that of agav": func(d *WantedDeployment) { d.Images["agave-validator"] = "x" },
		"":                     func(*WantedDeployment) {},
	} {
		d := whole(replicas(1))
		change(d)
		err := d.Validate()
		if (err == nil) != (attr == "") || err != nil && !strings.Contains(err.Error(), attr) {
			t.Errorf("%q: %v", attr, err)
		}
	}
}

// Incident 8: the grace was patched on the running Deployment, which made a second pod on the same ports, right before the scale to 0.
// It is written at 0 replicas only.
func TestIncident8_GraceAtZeroReplicas(t *testing.T) {
	d := whole(replicas(0))
	graceless := func(s *deploymentSeen) { s.Deployment.Spec.Template.Spec.Grace = nil }
	c := d.decide(live(t, graceless))
	for _, s := range c.Steps {
		if strings.Contains(s.String(), "template") {
			t.Errorf("the template of a Deployment that runs is patched: %s", s)
		}
	}
	c = d.decide(live(t, atZero, graceless))
	if len(c.Steps) != 1 || !strings.Contains(c.Steps[0].String(), `"terminationGracePeriodSeconds":300`) || !strings.Contains(c.Steps[0].String(), stoppedName) {
		t.Errorf("at rest: %s", hosttest.StepText(c.Steps))
	}
}

// Incident 25: 8001/udp was taken out, since the port was listed twice, and gossip needs it.
func TestIncident25_GossipPort(t *testing.T) {
	for what, tt := range map[string]struct {
		seen func(*deploymentSeen)
		want string
	}{
		"taken out":  {func(s *deploymentSeen) { container0(s).Ports = container0(s).Ports[:1] }, "ports[8001/udp]: (none) -> once"},
		"twice":      {func(s *deploymentSeen) { c := container0(s); c.Ports = append(c.Ports, c.Ports[1]) }, "ports[8001/udp]: 2 times -> once"},
		"not mapped": {func(s *deploymentSeen) { s.node.Published = map[string]bool{"8001/tcp": true} }, "published[8001/udp]: (none) -> mapped to the node"},
	} {
		if got := kindtest.Print(whole(replicas(1)).decide(live(t, tt.seen))); !strings.Contains(got, tt.want) {
			t.Errorf("%s: got\n%s", what, got)
		}
	}
}

// Incident 23: a new image was built, and for weeks the old one ran: nobody had loaded it into the node, and the tag was the same.
func TestIncident23_OldImageRuns(t *testing.T) {
	d := whole(replicas(1))
	runsOld := live(t, func(s *deploymentSeen) {
		s.images = append(s.images, nodeImage{ID: oldImage, Digests: []string{"lab/import@" + oldImage}})
		s.Pods[0].Status.Containers[0].ImageID = "lab/import@" + oldImage
	})
	if got := kindtest.Print(d.decide(runsOld)); !strings.Contains(got, "image_id: sha256:bbbbbbbbbbbb -> sha256:aaaaaaaaaaaa\n    why: the pod dep-a runs another image") {
		t.Errorf("a pod of the old image:\n%s", got)
	}
	nodeHasOld := live(t, atZero, func(s *deploymentSeen) { s.images[0].ID = oldImage })
	got := kindtest.Print(d.decide(nodeHasOld))
	if !strings.Contains(got, "in the node lab/agave:local is sha256:bbbbbbbbbbbb") || strings.Contains(got, "step:") {
		t.Errorf("a start from the old image:\n%s", got)
	}
}

var _ = []modules.Resource{&WantedDeployment{}}

// None is as good as no replicas: a redeploy that was cut off after its namespace went may be begun anew.
func TestNoDeploymentIsNoReplicas(t *testing.T) {
	d := DeploymentKind.New("dep").(*WantedDeployment)
	d.Replicas = replicas(0)
	if c := d.decide(deploymentSeen{missing: true}); !c.InSync() {
		t.Errorf("%+v", c.Diffs)
	}
	for _, d := range []*WantedDeployment{whole(replicas(0)), {Replicas: replicas(1)}, {}} {
		if c := d.decide(deploymentSeen{missing: true}); c.InSync() {
			t.Errorf("%+v is content with none", d)
		}
	}
}
