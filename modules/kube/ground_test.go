package kube

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"bisc/internal/host"
	"bisc/internal/host/hosttest"
	"bisc/modules/kindtest"
)

const nodeJSON = `{"Name":"/node","State":{"Status":"running","Pid":77},"HostConfig":{"PortBindings":{"8001/udp":[{"HostPort":"8001"}]}}}`

// restingHost is a host whose cluster holds the Deployment dep at rest, with one claim that is bound to a folder that the node sees.
func restingHost() *hosttest.Fake {
	h := hosttest.New("u1")
	h.Kubes["ns apps/v1/deployments/dep"] = `{"metadata":{"name":"dep","uid":"d-1"},"spec":{"replicas":0,"selector":{"matchLabels":{"app":"x"}},"template":{"spec":{
"containers":[{"name":"agave-validator"}],"volumes":[{"name":"l","persistentVolumeClaim":{"claimName":"x-ledger"}},{"name":"e"}]}}}}`
	h.Kubes["ns apps/v1/replicasets"], h.Kubes["ns v1/pods"] = `{"items":[]}`, `{"items":[]}`
	h.Kubes["ns v1/persistentvolumeclaims"] = `{"items":[{"metadata":{"name":"x-ledger","uid":"c-1"},"spec":{"volumeName":"x-ledger"},"status":{"phase":"Bound"}}]}`
	h.Kubes["v1/persistentvolumes"] = `{"items":[{"metadata":{"name":"x-ledger","uid":"v-1"},"spec":{"hostPath":{"path":"/mnt/ledger"},"claimRef":{"namespace":"ns","name":"x-ledger","uid":"c-1"}}}]}`
	h.Dockers["docker container node"] = nodeJSON
	h.Stats["/proc/77/root/mnt/ledger"] = host.Stat{Type: host.Directory}
	return h
}

// A start rests on the claims, and on what the node sees at the volumes' paths.
func TestDeploymentGround(t *testing.T) {
	replace := func(key, old, new string) func(*hosttest.Fake) {
		return func(h *hosttest.Fake) { h.Kubes[key] = strings.ReplaceAll(h.Kubes[key], old, new) }
	}
	for what, tt := range map[string]struct {
		change func(*hosttest.Fake)
		want   string
		fails  string
	}{
		"all there":         {func(*hosttest.Fake) {}, `step: kubernetes strategic-patch ns apps/v1/deployments/dep (uid d-1) {"spec":{"replicas":1}}`, ""},
		"claim pending":     {replace("ns v1/persistentvolumeclaims", "Bound", "Pending"), "why: claim x-ledger is Pending", ""},
		"no claim":          {replace("ns v1/persistentvolumeclaims", "x-ledger", "other"), "why: there is no claim x-ledger", ""},
		"claim goes":        {replace("ns v1/persistentvolumeclaims", `"uid"`, `"deletionTimestamp":"2026-03-07T10:00:00Z","uid"`), "why: claim x-ledger is Terminating", ""},
		"volume goes":       {replace("v1/persistentvolumes", `"uid":"v-1"`, `"uid":"v-1","deletionTimestamp":"2026-03-07T10:00:00Z"`), "why: volume x-ledger of claim x-ledger is Terminating", ""},
		"bound to an older": {replace("v1/persistentvolumes", "c-1", "c-0"), "why: claim x-ledger is bound to x-ledger, which is not bound to it", ""},
		"node does not see": {func(h *hosttest.Fake) {
			delete(h.Stats, "/proc/77/root/mnt/ledger")
			h.Missing["/proc/77/root/mnt/ledger"] = true
		}, "why: the node does not see /mnt/ledger", ""},
		"a file instead":  {func(h *hosttest.Fake) { h.Stats["/proc/77/root/mnt/ledger"] = host.Stat{Type: host.Regular} }, "why: the node does not see /mnt/ledger", ""},
		"no answer there": {func(h *hosttest.Fake) { h.Errors["stat /proc/77/root/mnt/ledger"] = host.ErrStuck }, "", "probe stuck"},
		"node stopped": {func(h *hosttest.Fake) {
			h.Dockers["docker container node"] = `{"Name":"/node","State":{"Status":"exited"}}`
		}, "", "does not run"},
		"no docker":           {func(h *hosttest.Fake) { h.Errors["docker container node"] = host.ErrNotListening }, "", "listen"},
		"no API":              {func(h *hosttest.Fake) { h.Errors["kube ns v1/persistentvolumeclaims"] = host.ErrNoAPI }, "", "does not answer"},
		"docker says nothing": {func(h *hosttest.Fake) { h.Dockers["docker container node"] = `[]` }, "", "docker's answer"},
	} {
		t.Run(what, func(t *testing.T) {
			h := restingHost()
			tt.change(h)
			d := DeploymentKind.New("dep").(*WantedDeployment)
			d.Namespace, d.Node, d.Replicas = "ns", "node", replicas(1)
			c, err := d.Plan(t.Context(), h)
			if (err != nil) != (tt.fails != "") || err != nil && !strings.Contains(err.Error(), tt.fails) {
				t.Fatalf("error %v, want %q", err, tt.fails)
			}
			if got := kindtest.Print(c); err == nil && !strings.Contains(got, tt.want) {
				t.Errorf("got:\n%s\nwant it to hold %q", got, tt.want)
			}
			if strings.HasPrefix(tt.want, "why") && len(c.Steps) > 0 {
				t.Errorf("it starts all the same: %s", hosttest.StepText(c.Steps))
			}
		})
	}
}

func TestNodeImages(t *testing.T) {
	argv := host.NodeImages.Argv("node")
	text, err := json.Marshal(map[string]any{"images": []nodeImage{
		{ID: oldImage, Tags: []string{fullRef("lab/agave:old")}, Digests: []string{"lab/import-2026@" + wantedImage}}, {ID: "sha256:cc", Tags: []string{fullRef("alone")}}}})
	if err != nil {
		t.Fatal(err)
	}
	n, err := readNodeImages(t.Context(), hosttest.New("u1").Answer(0, string(text), argv...), "node")
	if err != nil {
		t.Fatal(err)
	}
	for ref, want := range map[string]string{"lab/agave:old": oldImage, "lab/agave": "", "agave:old": "", "alone": "sha256:cc", "alone:latest": "sha256:cc", "other/alone": ""} {
		if got := n.byRef(ref); got != want {
			t.Errorf("%s is %s, want %s", ref, got, want)
		}
	}
	for of, want := range map[string]string{oldImage: oldImage, "lab/import-2026@" + wantedImage: oldImage, wantedImage: oldImage, "x@sha256:dd": "", "": ""} {
		if got := n.byPodID(of); got != want {
			t.Errorf("a pod's imageID %s is %s, want %s", of, got, want)
		}
	}
	for what, h := range map[string]*hosttest.Fake{
		"hangs":   hosttest.New("u1").Answer(124, "", argv...),
		"killed":  hosttest.New("u1").Answer(137, "", argv...),
		"fails":   hosttest.New("u1").Answer(1, `{"images":[]}`, argv...),
		"no list": hosttest.New("u1").Answer(0, "{}", argv...),
		"no JSON": hosttest.New("u1").Answer(0, "IMAGE TAG", argv...),
	} {
		_, err := readNodeImages(t.Context(), h, "node")
		if err == nil || errors.Is(err, host.ErrStuck) != (what == "hangs" || what == "killed") {
			t.Errorf("%s: %v", what, err)
		}
	}
}
