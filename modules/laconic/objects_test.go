package laconic

import (
	"strings"
	"testing"
)

// Incident 17: the start was killed at 600 s, in the middle of Caddy's objects, and each later one failed with 409.
func TestIncident17_LeftoversOfAnInterruptedStart(t *testing.T) {
	f := bare(world())
	f.Kubes["v1/namespaces/caddy-system"] = `{"metadata":{"uid":"u-1"}}`
	f.Kubes[clusterRoles+"/caddy-ingress-controller"] = `{"metadata":{"uid":"u-2"}}`
	got := outcome(t, wantDeployment(nil), f)
	wants(t, got, "caddy: left by an interrupted start: namespaces/caddy-system, clusterroles/caddy-ingress-controller -> none, or all of them",
		"kubernetes delete v1/namespaces/caddy-system (uid u-1) and wait up to 2m0s until it is gone  [guards: no validator lives]", "kubernetes delete "+clusterRoles+"/caddy-ingress-controller (uid u-2)",
		"destroys: what is left of Caddy's installation: namespaces/caddy-system, clusterroles/caddy-ingress-controller", "prepare --skip-cluster-management")
	if strings.Index(got, "delete v1/namespaces") > strings.Index(got, "[start job]") {
		t.Errorf("the start comes before its ground:\n%s", got)
	}
	f.Kubes["caddy-system apps/v1/deployments/caddy-ingress-controller"] = `{}`
	wants(t, outcome(t, wantDeployment(nil), f), "!caddy", "[start job]")
	wants(t, outcome(t, wantDeployment(nil), world()), "in sync") // all is there: Caddy's is not looked at
}

// What a start that was interrupted later has left behind.
func TestIncident17_HalfMade(t *testing.T) {
	f := world()
	f.Kubes[space+" v1/services"] = `{"items":[]}`
	wants(t, outcome(t, wantDeployment(state("started")), f), "missing: the service/laconic-1-service", "half made by a start that was interrupted", "deployment/laconic-1-deployment", "409 AlreadyExists", "kube_namespace", "!step")
	f = world()
	f.Kubes[space+" apps/v1/deployments/"+id+"-deployment"] = ""
	wants(t, outcome(t, wantDeployment(state("prepared")), f), "in sync")
	wants(t, outcome(t, wantDeployment(state("started")), f), "missing: the Deployment laconic-1-deployment", "start --skip-cluster-management") // what prepare has prepared
	f.Files[tool+"/"+formsFile] = without
	wants(t, outcome(t, wantDeployment(state("started")), f), "half made", "service/laconic-1-service", "!step")
	f.Kubes[space+" v1/services"] = `{"items":[]}` // only volumes and claims: those may be there
	wants(t, outcome(t, wantDeployment(state("started")), f), "[start job]")
}

// Incident 18: laconic-so's clean-up of etcd deletes the service `kubernetes`; after a start it is looked for, and the node too.
func TestIncident18_KubernetesServiceIsGone(t *testing.T) {
	f := world()
	f.Kubes["default v1/services/kubernetes"] = ""
	wants(t, outcome(t, wantDeployment(nil), f), "prepared: no service default/kubernetes -> the service", "clean-up of etcd", "!step")
	jobIs(f, "unit inactive\nnow b 1180\nboot b\nstarted 1000\nlimit 1200\nstatus success exited 0 1170 running\n")
	wants(t, outcome(t, wantDeployment(nil), f), "no service default/kubernetes", "!why", "settle: 2m")
	f = world()
	f.Kubes["v1/nodes/"+id+"-control-plane"] = `{"status":{"conditions":[{"type":"Ready","status":"False","reason":"KubeletNotReady"}]}}`
	wants(t, outcome(t, wantDeployment(nil), f), "the node's Ready: False KubeletNotReady -> Ready: True", "docker logs")
}

// Incident 19: which form of paths laconic-so writes depends on its commit, and a start corrects no volume that exists.
func TestIncident19_VolumePathsFlip(t *testing.T) {
	f := world()
	f.Files[folder+"/kind-config.yml"] = single
	wants(t, outcome(t, wantDeployment(nil), f), "volume[validator-ledger]: /mnt/solana/ledger -> /mnt/validator-ledger", "made by another laconic-so (now "+toolHead, "kube_volume", "!step")
	f.Kubes["v1/persistentvolumes"] = strings.Replace(f.Kubes["v1/persistentvolumes"], "/mnt/solana/ledger", "/mnt/validator-ledger", 1)
	wants(t, outcome(t, wantDeployment(nil), f), "in sync")
}

// Incident 20, before a start: volumes kept for claims that are gone leave the new ones Pending.
func TestIncident20_StaleClaims(t *testing.T) {
	f := world()
	f.Kubes["v1/persistentvolumes"] = strings.Replace(f.Kubes["v1/persistentvolumes"], "Bound", "Released", 1)
	wants(t, outcome(t, wantDeployment(nil), f), "in sync") // the claim of that uid is there
	f.Kubes[space+" v1/persistentvolumeclaims"] = `{"items":[{"metadata":{"name":"laconic-1-validator-ledger","uid":"c-2"}}]}`
	wants(t, outcome(t, wantDeployment(nil), f), "volume[laconic-1-validator-ledger]: Released, kept for a claim that is gone (c-1) -> free",
		`kubernetes json-patch v1/persistentvolumes/laconic-1-validator-ledger (uid v-1) [{"op":"test","path":"/spec/claimRef/uid","value":"c-1"},{"op":"remove","path":"/spec/claimRef"}]`, "no validator lives")
	f.Kubes["v1/persistentvolumes"] = strings.Replace(f.Kubes["v1/persistentvolumes"], space, "elsewhere", 1)
	wants(t, outcome(t, wantDeployment(nil), f), "!claimRef")
}

// Restart slept 5 s over a namespace that was going, and got 403.
func TestTerminatingNamespaceIsNamed(t *testing.T) {
	f := bare(world())
	f.Kubes["v1/namespaces/"+space] = `{"metadata":{"name":"n","deletionTimestamp":"2026-03-10T12:00:00Z"},"status":{"phase":"Terminating","conditions":[
		{"type":"NamespaceContentRemaining","status":"True","message":"Some resources are remaining: pods. has 1 resource instances"},{"type":"NamespaceDeletionContentFailure","status":"False","message":"ok"}]}}`
	wants(t, outcome(t, wantDeployment(nil), f), "namespace: Terminating -> Active", "NamespaceContentRemaining: Some resources are remaining: pods", "!ok", "what stands in its way comes first", "!step")
}
