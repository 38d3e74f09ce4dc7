package agave

import (
	"cmp"
	"fmt"
	"strings"
	"testing"

	"bisc/internal/host"
	"bisc/internal/host/hosttest"
	"bisc/modules/kindtest"
)

// TestExitWithoutAPI: it begins only where the API server is silent, and asks nobody while a kubelet would start it again.
func TestExitWithoutAPI(t *testing.T) {
	const node = "laconic-control-plane"
	const atWork, between, off = "node 7 70\nstate active\nprocess 9\n", "node 7 70\nstate activating\n", "node 7 70\nstate inactive\n"
	for situation, c := range map[string]struct {
		answers   bool
		expired   bool // its certificate
		refuses   int  // HTTP's code; with 429 and 500 on as the API's reader has it
		kubelet   string
		processes string
		homes     string
		lasts     bool // what is refused is not its beginning
		want      []string
		not       string
	}{
		"it lives, the kubelet too":           {kubelet: atWork, processes: alive, want: []string{"now kubelet: active, 1 processes -> stopped", "step: run [stop kubelet] 7 70 " + node, "[guards: kubelet stopped]", "settle: 5m0s"}},
		"the kubelet waits for its next try":  {kubelet: between, processes: alive, want: []string{"step: run [stop kubelet] 7 70"}},
		"the kubelet is stopped":              {kubelet: off, processes: alive, want: []string{"[let-validator-exit]", "[guards: kubelet stopped]"}, not: "[stop kubelet]"},
		"the validator has ended, it has not": {kubelet: atWork, want: []string{"[stop kubelet]"}, not: "[let-validator-exit]"},
		"one of systemd's, and no other":      {kubelet: off, processes: alive, homes: ofUnit, lasts: true, want: []string{"process 4711: running, in no pod, control group /system.slice/sol.service -> no process", "systemctl status 4711 tells its unit"}, not: "step:"},
		"one of systemd's, the kubelet works": {kubelet: atWork, processes: alive, homes: ofUnit, want: []string{"[stop kubelet]", "process 4711: running, in no pod"}, not: "[let-validator-exit]"},
		"one of systemd's beside its own":     {kubelet: off, processes: alive + "4800 agave-validator 990 running\n", homes: atHome + "4800 990 - - - /system.slice/sol.service" + asks, want: []string{"[let-validator-exit] 4711 900", "process 4800: running, in no pod"}, not: "exit] 4800"},
		"one of systemd's that is ending":     {kubelet: off, processes: ending, homes: ofUnit, want: []string{"now process 4711: exiting: it was asked to exit, in no pod", "settle: 5m0s"}, not: "step:"},
		"one of systemd's that is stuck":      {kubelet: off, processes: frozen, homes: ofUnit, lasts: true, want: []string{"process 4711: stuck", "what is left to do: "}, not: "step:"},
		"one of another node's pod":           {kubelet: off, processes: alive, homes: strings.Replace(atHome, " node ", " - ", 1), lasts: true, want: []string{"process 4711: running, in the container agave-validator of the pod with uid u1", "systemctl status 4711"}, not: "step:"},
		"one that ends, and whose is unknown": {kubelet: off, processes: ending, homes: hostNow, want: []string{"settle: 5m0s"}, not: "[let-validator-exit]"},
		"a stuck one, and whose is unknown":   {kubelet: off, processes: frozen, homes: hostNow, want: []string{"way out 1: ", "settle: 5m0s"}, not: "[let-validator-exit]"},
		"a stuck one beside its own":          {kubelet: atWork, processes: strings.ReplaceAll(frozen, "4711", "4700") + alive, want: []string{"[stop kubelet]", "[let-validator-exit] 4711 900"}, not: "exit] 4700"},
		"both have":                           {kubelet: off, want: []string{"in sync"}},
		"no such node lives":                  {kubelet: "none\n", want: []string{"in sync"}},
		"the node's systemd is silent":        {kubelet: "node 7 70\nstate unknown\nprocess 9\n", processes: alive, want: []string{"docker unpause"}, not: "step:"},
		"the API answers":                     {answers: true, kubelet: atWork, processes: alive, want: []string{"why: where it answers", "bisc run stop"}, not: "step:"},
		"the API answers with a refusal":      {refuses: 403, kubelet: atWork, processes: alive, want: []string{"bisc run stop"}, not: "step:"},
		"the API has too much to do":          {refuses: 429, kubelet: atWork, processes: alive, want: []string{"bisc run stop"}, not: "step:"},
		"the API's etcd is away":              {refuses: 503, kubelet: atWork, processes: alive, want: []string{"step: run [stop kubelet] 7 70 " + node, "settle: 5m0s"}, not: "bisc run stop"},
		"the API fails":                       {refuses: 500, kubelet: off, processes: alive, want: []string{"[let-validator-exit]"}, not: "bisc run stop"},
		"the API's certificate has expired":   {expired: true, kubelet: atWork, processes: alive, want: []string{"step: run [stop kubelet] 7 70 " + node}, not: "bisc run stop"},
		"it answers, and nothing lives":       {answers: true, kubelet: off, want: []string{"bisc run stop"}, not: "step:"},
	} {
		f := hosttest.New("u1")
		f.Files["/k"] = "x"
		f.Answer(0, c.processes, host.WatchValidators()...)
		f.Answer(0, cmp.Or(c.homes, atHome), host.Homes.Argv(node)...)
		f.Answer(0, c.kubelet, host.Kubelet.Argv(node)...)
		switch {
		case c.expired:
			f.Errors["kube v1/nodes"] = fmt.Errorf("%w: x509", host.ErrExpired)
		case c.answers:
			f.Kubes["v1/nodes"] = `{"items":[]}`
		case c.refuses >= 429:
			f.Errors["kube v1/nodes"] = fmt.Errorf("%w: %w", host.ErrNoAPI, &host.KubeError{Code: c.refuses, Message: "not now"})
		case c.refuses > 0:
			f.Errors["kube v1/nodes"] = &host.KubeError{Code: c.refuses, Message: "forbidden"}
		default:
			f.Errors["kube v1/nodes"] = host.ErrNoAPI
		}
		e := ExitWithoutAPIKind.New(node).(*ExitWithoutAPI)
		e.Kubeconfig = "/k"
		got, err := e.Plan(t.Context(), f)
		text := kindtest.Print(got)
		if e.MayRun = true; err == nil {
			judged, err := e.Plan(t.Context(), f)
			if refuses := len(got.Diffs) > 0 && !got.Mendable() && !c.lasts; err != nil || judged.InSync() == refuses || len(judged.Steps) > 0 {
				t.Errorf("%s, as an invariant: %v\n%s", situation, err, kindtest.Print(judged))
			}
		}
		for _, w := range c.want {
			if err != nil || !strings.Contains(text, w) {
				t.Errorf("%s: %v\n%s\nwant %q", situation, err, text, w)
			}
		}
		if c.not != "" && strings.Contains(text, c.not) {
			t.Errorf("%s:\n%s\nwant no %q", situation, text, c.not)
		}
	}
}

// TestExitWithoutAPINeedsAnswers: a kubeconfig that is not there, and a host that does not tell of the kubelet, are no silent API.
func TestExitWithoutAPINeedsAnswers(t *testing.T) {
	for situation, change := range map[string]func(*hosttest.Fake){
		"no kubeconfig":       func(f *hosttest.Fake) { delete(f.Files, "/k"); f.Missing["/k"] = true },
		"another's cert":      func(f *hosttest.Fake) { f.Errors["kube v1/nodes"] = fmt.Errorf("%w: x509", host.ErrUnasked) },
		"the kubelet unread":  func(f *hosttest.Fake) { f.Answer(3, "", host.Kubelet.Argv("n")...) },
		"the kubelet garbled": func(f *hosttest.Fake) { f.Answer(0, "node 7\n", host.Kubelet.Argv("n")...) },
		"nothing is carried":  func(f *hosttest.Fake) { f.Errors["kube v1/nodes"] = host.ErrForwarding },
		"the table unread":    func(f *hosttest.Fake) { f.Answer(3, "", host.WatchValidators()...) },
	} {
		f := hosttest.New("u1")
		f.Files["/k"] = "x"
		f.Answer(0, "", host.WatchValidators()...)
		f.Answer(0, atHome, host.Homes.Argv("n")...)
		f.Answer(0, "none\n", host.Kubelet.Argv("n")...)
		f.Errors["kube v1/nodes"] = host.ErrNoAPI
		change(f)
		e := ExitWithoutAPIKind.New("n").(*ExitWithoutAPI)
		e.Kubeconfig = "/k"
		if got, err := e.Plan(t.Context(), f); err == nil {
			t.Errorf("%s: %s", situation, kindtest.Print(got))
		}
	}
}

// TestExitWithoutAPIKnowsWhose: the kubelet is not stopped, nor anything begun, while nobody can tell whose a validator is that would then go on
// without being asked; what a person does is said. The node's disk that hangs, of which homes.sh tells, is such a case.
func TestExitWithoutAPIKnowsWhose(t *testing.T) {
	for situation, c := range map[string]struct {
		homes string
		exit  int
		err   error
		want  string
	}{
		"the homes unread":            {exit: 3, want: "-- PROGRAM --ledger LEDGER exit --force"},
		"the homes' reading hangs":    {err: host.ErrStuck, want: "-- PROGRAM --ledger LEDGER exit --force"},
		"the homes garbled":           {homes: "nonsense\n", want: "nonsense"},
		"no line of it":               {homes: hostNow, want: "nsenter -t 4711"},
		"the node's disk hangs":       {homes: strings.Replace(atHome, " node ", " ? ", 1), want: "nsenter -t 4711 -m -p -w -- /bin/agave-validator --ledger /data/ledger exit --force"},
		"another process of that pid": {homes: strings.Replace(atHome, " 900 ", " 901 ", 1), want: "nsenter -t 4711"},
	} {
		for _, mayRun := range []bool{false, true} {
			f := hosttest.New("u1")
			f.Files["/k"] = "x"
			f.Answer(0, alive, host.WatchValidators()...)
			f.Answer(0, "node 7 70\nstate active\nprocess 9\n", host.Kubelet.Argv("n")...)
			f.Answer(c.exit, c.homes, host.Homes.Argv("n")...)
			if c.err != nil {
				f.Errors["query "+hosttest.Question(host.Homes.Argv("n")...)] = c.err
			}
			f.Errors["kube v1/nodes"] = host.ErrNoAPI
			e := ExitWithoutAPIKind.New("n").(*ExitWithoutAPI)
			e.Kubeconfig, e.MayRun = "/k", mayRun
			got, err := e.Plan(t.Context(), f)
			if err == nil || len(got.Steps) > 0 {
				t.Errorf("%s: %v\n%s", situation, err, kindtest.Print(got))
				continue
			}
			for _, want := range []string{c.want, "whose it is cannot be told", "docker exec n systemctl stop kubelet"} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%s: %v\nwant %q", situation, err, want)
				}
			}
		}
	}
}
