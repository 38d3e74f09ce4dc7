package laconic

import (
	"bisc/internal/host"
	"bisc/internal/host/hosttest"
)

// world is a host with a deployment in order: its node runs, its objects are there, no validator runs.
func world() *hosttest.Fake {
	f := hosttest.New("u1")
	f.Files[folder+"/deployment.yml"] = "cluster-id: " + id + "\nstack-source: /srv/stack\n"
	f.Files[folder+"/spec.yml"] = deploySp
	f.Files[folder+"/config.env"] = "LIMIT=5\nDB_PASSWORD=hunter2\n"
	f.Stats[folder+"/config.env"] = host.Stat{Type: host.Regular, Mode: 0o640, UID: 1000, GID: 1001}
	f.Files[folder+"/kind-config.yml"] = rooted
	f.Files[tool+"/"+formsFile] = withAll
	f.Answers["reading git-state '' "+tool+" ''"] = host.Output{Stdout: []byte("user rix\nhead " + toolHead + "\nbranch main\nremote x\n")}
	f.Answers["reading validators"] = host.Output{}
	jobIs(f, "unit inactive\nnow b 1000\n")
	f.Dockers["docker container "+id+"-control-plane"] = `{"Name":"/` + id + `-control-plane","State":{"Status":"running","Pid":7}}`
	for q, a := range map[string]string{
		space + " apps/v1/deployments/" + id + "-deployment":        `{"metadata":{"name":"d"},"spec":{"template":{"spec":{"containers":[{"name":"agave-validator","env":[{"name":"LIMIT","value":"5"},{"name":"DB_PASSWORD","value":"hunter2"}]}]}}}}`,
		"v1/namespaces/" + space:                                    `{"metadata":{"name":"n"},"status":{"phase":"Active"}}`,
		space + " v1/persistentvolumeclaims":                        `{"items":[{"metadata":{"name":"laconic-1-validator-ledger","uid":"c-1"}}]}`,
		"v1/persistentvolumes":                                      `{"items":[{"metadata":{"name":"laconic-1-validator-ledger","uid":"v-1","resourceVersion":"9"},"spec":{"hostPath":{"path":"/mnt/solana/ledger"},"claimRef":{"namespace":"` + space + `","name":"laconic-1-validator-ledger","uid":"c-1"}},"status":{"phase":"Bound"}}]}`,
		"default v1/services/kubernetes":                            `{"metadata":{"name":"kubernetes"}}`,
		"v1/nodes/" + id + "-control-plane":                         `{"metadata":{"name":"n"},"spec":{},"status":{"conditions":[{"type":"Ready","status":"True"}]}}`,
		"v1/namespaces/caddy-system":                                `{"metadata":{"uid":"u-1"}}`,
		clusterRoles + "/caddy-ingress-controller":                  `{"metadata":{"uid":"u-2"}}`,
		roleBindings + "/caddy-ingress-controller":                  `{"metadata":{"uid":"u-3"}}`,
		classes + "/caddy":                                          `{"metadata":{"uid":"u-4"}}`,
		"caddy-system apps/v1/deployments/caddy-ingress-controller": `{"metadata":{"uid":"u-5"}}`,
		space + " v1/services":                                      `{"items":[{"metadata":{"name":"laconic-1-service"}},{"metadata":{"name":"other"}}]}`,
		space + " v1/configmaps":                                    `{"items":[{"metadata":{"name":"kube-root-ca.crt"}}]}`,
		space + " networking.k8s.io/v1/ingresses":                   `{"items":[]}`,
	} {
		f.Kubes[q] = a
	}
	return f
}

func jobIs(f *hosttest.Fake, lines string) {
	f.Answers["reading jobs laconic-so."+id] = host.Output{Stdout: []byte("job laconic-so." + id + "\n" + lines)}
}

// bare is a cluster with no object of the deployment's.
func bare(f *hosttest.Fake) *hosttest.Fake {
	for _, q := range []string{"v1/namespaces/" + space, space + " apps/v1/deployments/" + id + "-deployment", "v1/namespaces/caddy-system", clusterRoles + "/caddy-ingress-controller",
		roleBindings + "/caddy-ingress-controller", classes + "/caddy", "caddy-system apps/v1/deployments/caddy-ingress-controller"} {
		f.Kubes[q] = ""
	}
	for _, q := range []string{space + " v1/persistentvolumeclaims", space + " v1/services", "v1/persistentvolumes"} {
		f.Kubes[q] = `{"items":[]}`
	}
	return f
}

func wantDeployment(edit func(*Deployment)) *Deployment {
	d := DeploymentKind.New(folder).(*Deployment)
	d.Program, d.ClusterID, d.Repository, d.Kubeconfig, d.State = "/home/rix/.local/bin/laconic-so", id, tool, "/k", "prepared"
	if edit != nil {
		edit(d)
	}
	return d
}

func state(s string) func(*Deployment) { return func(d *Deployment) { d.State = s } }
