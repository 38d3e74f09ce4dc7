package agave

import (
	"strings"
	"testing"
	"time"

	"bisc/internal/host"
	"bisc/modules/job"
	"bisc/modules/kindtest"
)

// TestWatchDecides: what follows is begun only under a watch that has seen the pods and that outlives a grace.
func TestWatchDecides(t *testing.T) {
	running := func(left time.Duration, said string) job.State {
		now := time.Unix(10_000, 0)
		return job.State{ID: "exit-on-deletion-x", Phase: job.Running, Limit: watchLimit, Since: now.Add(left - watchLimit), Now: now, LastLine: said}
	}
	staying, going := Pod{UID: "u", Name: "p", Node: "n"}, Pod{UID: "u", Name: "p", Node: "n", Deleting: true}
	for situation, c := range map[string]struct {
		job  job.State
		pod  Pod
		want string
		not  string
	}{
		"not started":                  {job.State{Phase: job.None}, staying, "step: run start", "ended"},
		"at work, nothing seen yet":    {running(time.Hour, ""), staying, "settle: 1m0s", "step:"},
		"at work, the API is silent":   {running(time.Hour, "it is not known whether the pods are being deleted"), staying, "settle: 1m0s", "step:"},
		"armed":                        {running(time.Hour, "armed: nobody deletes the pods"), staying, "in sync", ""},
		"armed, it ends soon":          {running(watchLeast-time.Second, "armed: nobody deletes the pods"), staying, "step: run start", ""},
		"it ends soon, the pod sooner": {running(watchLeast-time.Second, "being deleted: the pods"), going, "in sync", ""},
		"it has failed":                {job.State{Phase: job.Failed, How: "exit status 1"}, staying, "step: run start", ""},
		"the host went down meanwhile": {job.State{Phase: job.Lost}, staying, "step: run start", ""},
	} {
		s := watchSeen{exitWatch: exitWatch{pods: []Pod{c.pod}}, job: c.job}
		if !s.lasts() {
			s.start = []host.Step{host.Script{Argv: []string{"start"}}}
		}
		got := s.decide()
		if text := kindtest.Print(got); !strings.Contains(text, c.want) || c.not != "" && strings.Contains(text, c.not) {
			t.Errorf("%s:\n%swant %q, no %q", situation, text, c.want, c.not)
		}
		if ended := c.job.Phase == job.Failed || c.job.Phase == job.Lost; (got.Ended != "") != ended {
			t.Errorf("%s: it ended: %q", situation, got.Ended)
		}
	}
}

// TestWatchIsForThesePods: another pod is another watch, and the same pods, in whatever order, the same one.
func TestWatchIsForThesePods(t *testing.T) {
	watch := func(uids ...string) job.Job {
		w := exitWatch{kubeconfig: "/k", context: "c", namespace: "ns", container: "agave-validator"}
		for _, u := range uids {
			w.pods = append(w.pods, Pod{Name: "p", UID: u})
		}
		return w.job("/bin/x")
	}
	if watch("1", "2").ID != watch("2", "1").ID || watch("1").ID == watch("2").ID || watch("1").ID == watch("1", "2").ID {
		t.Error("the watch is not known by its pods")
	}
	if got := strings.Join(watch("2", "1").Argv, " "); got != "/bin/x --kubeconfig /k --namespace ns --container agave-validator --context c --pod p/1 --pod p/2" {
		t.Error(got)
	}
	if err := watch("1").Check(); err != nil {
		t.Error(err)
	}
}
