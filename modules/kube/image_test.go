package kube

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"bisc/internal/host"
	"bisc/internal/host/hosttest"
	"bisc/modules/job"
	"bisc/modules/kindtest"
)

const commit = "0123456789abcdef0123456789abcdef01234567"

// imageThere is what is seen of an image that is where it should be.
func imageThere(t *testing.T, change ...func(*imageSeen)) imageSeen {
	s := imageSeen{
		byRef: hostImage{ID: wantedImage, Size: 3 << 20}, byID: hostImage{ID: wantedImage, Size: 3 << 20}, nodeSpace: space{"overlay", 20 << 30},
		images: nodeImages{{ID: wantedImage, Tags: []string{fullRef("lab/agave:local")}}},
		flags:  map[string]bool{"--help": true, "--known": true},
	}
	d := Deployed{Deployment: from[Deployment](t, validatorJSON), Pods: []Pod{from[Pod](t, livePodJSON)}}
	s.deployed = &d
	for _, f := range change {
		f(&s)
	}
	return s
}

func wantedByID() *Image {
	i := ImageKind.New("lab/agave:local").(*Image)
	i.ID, i.Node, i.Kubeconfig, i.Namespace, i.Deployment, i.Flags = wantedImage, "node", "/k", "ns", "dep", []string{"--known", "value", "--known=2"}
	return i
}

func TestImageDecides(t *testing.T) {
	old := hostImage{ID: oldImage, Config: struct{ Labels map[string]string }{map[string]string{"bisc.commit": "other"}}}
	fresh := hostImage{ID: wantedImage, Config: struct{ Labels map[string]string }{map[string]string{"bisc.commit": commit, "bisc.source": "s"}}}
	built := func(i *Image) { i.ID, i.Built = "", map[string]string{"source": "s", "commit": commit} }
	external := func(i *Image) { i.ID, i.External = "", true }
	elsewhere := func(s *imageSeen) { s.byRef = old }
	lacking := func(s *imageSeen) { s.byRef, s.byID = old, hostImage{} }
	brought := func(s *imageSeen) {
		lacking(s)
		s.archive = &archive{name: "a", size: 300 << 20, id: wantedImage, chunks: []chunk{{0, 256 << 20, "d1"}, {256 << 20, 44 << 20, "d2"}}}
		s.pushed, s.kept, s.docks = make([]bool, 2), space{"/dev/a", 20 << 30}, space{"/dev/b", 20 << 30}
	}
	ago := func(d time.Duration) func(*imageSeen) {
		return func(s *imageSeen) {
			now := time.Date(2026, 3, 7, 10, 0, 0, 0, time.UTC)
			s.images = nil
			s.load = job.State{Phase: job.Failed, Exit: 1, How: "exit status 1", Now: now, Ended: now.Add(-d), Since: now.Add(-d)}
		}
	}
	const folder = "/var/lib/bisc/images/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	for name, tt := range map[string]struct {
		change func(*Image)
		seen   []func(*imageSeen)
		want   []string
		not    []string
	}{
		"in sync":           {want: []string{"in sync\n"}},
		"in sync, built":    {change: built, seen: []func(*imageSeen){func(s *imageSeen) { s.byRef = fresh }}, want: []string{"in sync\n"}},
		"in sync, external": {change: external, want: []string{"in sync\n"}},

		"another under the name": {seen: []func(*imageSeen){elsewhere}, want: []string{"now host: sha256:bbbbbbbbbbbb -> sha256:aaaaaaaaaaaa\nstep: run docker tag " + wantedImage + " lab/agave:local\n"}},
		"nowhere":                {seen: []func(*imageSeen){lacking, func(s *imageSeen) { s.images = nil }}, want: []string{"why: the host has no such image under any name"}, not: []string{"step:", "now node"}},
		"not on the host":        {seen: []func(*imageSeen){lacking}, want: []string{"why: the host has no such image under any name"}, not: []string{"step:", "now node", "now pod"}},
		"built of another":       {change: built, seen: []func(*imageSeen){elsewhere}, want: []string{"now host: sha256:bbbbbbbbbbbb: commit is other, want " + commit + " -> built of commit " + commit + ", source s\n    why: no image was built of that"}, not: []string{"step:"}},
		"an archive built of another": {change: built, seen: []func(*imageSeen){brought, func(s *imageSeen) { s.archive.labels = map[string]string{"bisc.commit": "x"} }},
			want: []string{"why: the archive was not built of that: commit is x"}, not: []string{"step:"}},
		"external, nothing there": {change: external, seen: []func(*imageSeen){func(s *imageSeen) { s.byRef = hostImage{} }}, want: []string{"why: the host has no such image, and nothing says"}, not: []string{"step:"}},
		"from an archive": {seen: []func(*imageSeen){brought}, want: []string{"now host: sha256:bbbbbbbbbbbb -> sha256:aaaaaaaaaaaa\nstep: run mkdir -p -m 0700 -- " + folder + "\nstep: push " + folder + "/0000-d1 (268435456 bytes",
			"step: push " + folder + "/0001-d2 (46137344 bytes", "[load image] " + folder + " " + wantedImage + " lab/agave:local 0000-d1 0001-d2\n"}},
		"from an archive, half there": {seen: []func(*imageSeen){brought, func(s *imageSeen) { s.pushed[0] = true }}, want: []string{"step: push " + folder + "/0001-d2", "lab/agave:local 0000-d1 0001-d2\n"}, not: []string{"step: push " + folder + "/0000", "mkdir"}},
		"an archive of another image": {seen: []func(*imageSeen){brought, func(s *imageSeen) { s.archive.id = oldImage }}, want: []string{"now from: sha256:bbbbbbbbbbbb -> sha256:aaaaaaaaaaaa\n    why: the archive"}, not: []string{"step:"}},
		"no room for the pieces":      {seen: []func(*imageSeen){brought, func(s *imageSeen) { s.kept.free = 1323 << 20 }}, want: []string{"why: /var/lib/bisc of the host has 1323 MiB left, and the image needs 1324 MiB there"}, not: []string{"step:"}},
		"no room for the layers":      {seen: []func(*imageSeen){brought, func(s *imageSeen) { s.docks.free = 1323 << 20 }}, want: []string{"why: docker's folder on the host has 1323 MiB left"}, not: []string{"step:"}},
		"one disk for both":           {seen: []func(*imageSeen){brought, func(s *imageSeen) { s.kept, s.docks = space{"/dev/a", 1500 << 20}, space{"/dev/a", 1500 << 20} }}, want: []string{"the image needs 1624 MiB there"}, not: []string{"step:"}},
		"one disk for both, half there": {seen: []func(*imageSeen){brought, func(s *imageSeen) {
			s.kept, s.docks, s.pushed[0] = space{"/dev/a", 1500 << 20}, space{"/dev/a", 1500 << 20}, true
		}}, want: []string{"step: push"}},

		"not in the node": {seen: []func(*imageSeen){func(s *imageSeen) { s.images = nil; s.deployed = nil }},
			want: []string{"now node: (none) -> sha256:aaaaaaaaaaaa\n", "step: put /var/lib/bisc/images/into-node", "[start job] image-aaaaaaaaaaaa '' '' 1800 '' /bin/bash /var/lib/bisc/images/into-node lab/agave:local " + wantedImage + " node", "settle: 31m0s\n"}},
		"another in the node": {seen: []func(*imageSeen){func(s *imageSeen) { s.images[0].ID = oldImage; s.deployed = nil }}, want: []string{"now node: sha256:bbbbbbbbbbbb -> sha256:aaaaaaaaaaaa\n"}},
		"on its way": {seen: []func(*imageSeen){func(s *imageSeen) {
			s.images, s.deployed = nil, nil
			s.load = job.State{Phase: job.Running, Limit: time.Hour, LastLine: "41% of 3 MiB"}
		}}, want: []string{"now node: running for 0s of 1h0m0s: 41% of 3 MiB -> done\n"}, not: []string{"step:"}},
		"failed just now":                {seen: []func(*imageSeen){ago(10 * time.Second), func(s *imageSeen) { s.deployed = nil }}, want: []string{"now node: (none) (the last load failed after 0s: exit status 1) -> sha256:aaaaaaaaaaaa\n    why: it has failed just now: see /var/lib/bisc/jobs/image-aaaaaaaaaaaa/output"}, not: []string{"step:"}},
		"failed a while ago":             {seen: []func(*imageSeen){ago(time.Hour), func(s *imageSeen) { s.deployed = nil }}, want: []string{"the last load failed", "step:"}, not: []string{"why:"}},
		"no room in the node":            {seen: []func(*imageSeen){func(s *imageSeen) { s.images, s.deployed, s.nodeSpace.free = nil, nil, 1029<<20 }}, want: []string{"why: the node's containerd has 1029 MiB left, and the image needs 1030 MiB"}, not: []string{"step:"}},
		"from an archive, into the node": {seen: []func(*imageSeen){brought, func(s *imageSeen) { s.images, s.deployed = nil, nil }}, want: []string{"[load image]", "[start job]"}},

		"another in the pod":     {seen: []func(*imageSeen){func(s *imageSeen) { s.deployed.Pods[0].Status.Containers[0].ImageID = oldImage }}, want: []string{"now pod: (none) -> sha256:aaaaaaaaaaaa\n    why: the pod dep-a runs another image"}, not: []string{"step:"}},
		"the Deployment's other": {seen: []func(*imageSeen){func(s *imageSeen) { s.deployed.Deployment.Spec.Template.Spec.Containers[0].Image = "lab/agave:tvu" }}, want: []string{"now deployment: lab/agave:tvu -> lab/agave:local\n    why:"}, not: []string{"step:"}},
		"no pod":                 {seen: []func(*imageSeen){func(s *imageSeen) { s.deployed.Pods = nil }}, want: []string{"in sync\n"}},
		"no Deployment":          {seen: []func(*imageSeen){func(s *imageSeen) { s.deployed = nil }}, want: []string{"in sync\n"}},
	} {
		t.Run(name, func(t *testing.T) {
			i := wantedByID()
			if tt.change != nil {
				tt.change(i)
			}
			holds(t, kindtest.Print(i.decide(imageThere(t, tt.seen...))), tt.want, tt.not)
		})
	}
}

// Incident 23: host, node and pod are compared with what is wanted, each by itself: whichever lags is told.
func TestIncident23_ChainComparesAllThree(t *testing.T) {
	for name, tt := range map[string]struct {
		lag  func(*imageSeen)
		want string
	}{
		"host": {func(s *imageSeen) { s.byRef.ID = oldImage }, "now host: sha256:bbbbbbbbbbbb -> "},
		"node": {func(s *imageSeen) { s.images[0].ID = oldImage }, "now node: sha256:bbbbbbbbbbbb -> "},
		"pod": {func(s *imageSeen) {
			s.images = append(s.images, nodeImage{ID: oldImage, Digests: []string{"lab/import@" + oldImage}})
			s.deployed.Pods[0].Status.Containers[0].ImageID = "lab/import@" + oldImage
		}, "now pod: sha256:bbbbbbbbbbbb -> "},
	} {
		if got := kindtest.Print(wantedByID().decide(imageThere(t, tt.lag))); !strings.Contains(got, tt.want) {
			t.Errorf("%s lags behind: got\n%s", name, got)
		}
	}
}

// Incident 27: a flag of another version, in EXTRA_ARGS, ended the validator at each start.
func TestIncident27_UnknownFlag(t *testing.T) {
	i := wantedByID()
	i.Flags = strings.Fields("--known 5 --accounts-index-limit 1TB")
	got := kindtest.Print(i.decide(imageThere(t, func(s *imageSeen) { s.images[0].ID = oldImage })))
	if strings.Contains(got, "step") {
		t.Errorf("it goes into the node:\n%s", got)
	}
	if !strings.Contains(got, "now flags[--accounts-index-limit]: (none) -> known\n    why: agave-validator of sha256:aaaaaaaaaaaa does not name it") || strings.Contains(got, "flags[--known]") {
		t.Errorf("got\n%s", got)
	}
	argv := []string{"timeout", "-k", "2", "30", "docker", "run", "--rm", "--network", "none", "--read-only", "--cap-drop", "ALL",
		"--security-opt", "no-new-privileges", "--pull", "never", "--env", "SOLANA_NO_HIDDEN_CLI_ARGS=1", "--entrypoint", "agave-validator", wantedImage, "--help"}
	known, err := i.programFlags(t.Context(), hosttest.New("u1").Answer(0, "OPTIONS:\n  -h, --help\n        --wal-recovery-mode <MODE>\n            see --ledger, not --accounts-index-limit", argv...), wantedImage)
	if err != nil || !known["--help"] || !known["--wal-recovery-mode"] || known["--ledger"] || known["--accounts-index-limit"] {
		t.Errorf("%v, %v", known, err)
	}
	for name, h := range map[string]*hosttest.Fake{"fails": hosttest.New("u1").Answer(125, "--a\n--b", argv...), "hangs": hosttest.New("u1").Answer(124, "", argv...), "says nothing": hosttest.New("u1").Answer(0, "usage", argv...)} {
		if _, err := i.programFlags(t.Context(), h, wantedImage); err == nil {
			t.Errorf("%s: the flags are known", name)
		}
	}
}

// What is not known of host, node or archive is no image that lacks.
func TestImageReads(t *testing.T) {
	name, id := savedImage(t, map[string]string{"bisc.commit": commit, "bisc.source": "s"}, 100)
	fresh := func() *hosttest.Fake {
		h := hosttest.New("u1")
		h.Dockers["docker image lab/agave:local"], h.Dockers["docker image "+id], h.Dockers["docker info"] = "", "", `{"DockerRootDir":"/var/lib/docker"}`
		for _, at := range []string{"/var/lib/bisc", "/var/lib/docker"} {
			h.Stats[at] = host.Stat{Type: host.Directory}
			h.Answer(0, "Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/a 9 9 90000000 1% /\n", "df", "-P", "-k", "--", at)
		}
		a, err := readArchive(name)
		if err := errors.Join(err, a.cut(chunkSize)); err != nil {
			t.Fatal(err)
		}
		h.Missing["/var/lib/bisc/images/"+id[7:]+"/"+a.chunks[0].name(0)] = true
		return h
	}
	plan := func(h *hosttest.Fake, from string) (string, error) {
		i := ImageKind.New("lab/agave:local").(*Image)
		i.Built, i.From = map[string]string{"source": "s", "commit": commit}, from
		c, err := i.Plan(t.Context(), h)
		return kindtest.Print(c), err
	}
	got, err := plan(fresh(), name)
	if err != nil || !strings.Contains(got, "now host: (none) -> "+shortID(id)) || !strings.Contains(got, "step: push") {
		t.Errorf("%v\n%s", err, got)
	}
	h := fresh()
	h.Dockers["docker image "+id] = fmt.Sprintf(`{"Id":%q}`, id)
	if got, err := plan(h, name); err != nil || !strings.Contains(got, "step: run docker tag "+id+" lab/agave:local") || strings.Contains(got, "push") {
		t.Errorf("on the host without its name: %v\n%s", err, got)
	}
	for what, change := range map[string]func(*hosttest.Fake) string{
		"no docker": func(h *hosttest.Fake) string {
			h.Errors["docker image lab/agave:local"] = host.ErrNotListening
			return name
		},
		"no form":    func(h *hosttest.Fake) string { h.Dockers["docker image lab/agave:local"] = `{"Id":"x"}`; return name },
		"no archive": func(*hosttest.Fake) string { return name + ".gone" },
		"no df":      func(h *hosttest.Fake) string { h.Answer(1, "", "df", "-P", "-k", "--", "/var/lib/docker"); return name },
		"df's words": func(h *hosttest.Fake) string {
			h.Answer(0, "h\n/dev/a 1 1 x 1% /\n", "df", "-P", "-k", "--", "/var/lib/docker")
			return name
		},
		"no root dir": func(h *hosttest.Fake) string { h.Dockers["docker info"] = `{}`; return name },
	} {
		h := fresh()
		from := change(h)
		if got, err := plan(h, from); err == nil {
			t.Errorf("%s: it is known:\n%s", what, got)
		}
	}
}

func TestImageValidates(t *testing.T) {
	for want, change := range map[string]func(*Image){
		"":                 func(*Image) {},
		"id: say which":    func(i *Image) { i.ID = "" },
		"id: say which i":  func(i *Image) { i.External = true },
		"id: write sha256": func(i *Image) { i.ID = "agave" },
		"built: there is":  func(i *Image) { i.ID, i.Built = "", map[string]string{"commit": commit, "branch": "main"} },
		"built: commit":    func(i *Image) { i.ID, i.Built = "", map[string]string{"commit": "v3.1.9"} },
		"is no reference":  func(i *Image) { i.Ref = "Lab/Agave local" },
		"from: ":           func(i *Image) { i.From = "agave.tar" },
		"node: ":           func(i *Image) { i.Node = "-it" },
		"deployment: it n": func(i *Image) { i.Node = "" },
		"program: ":        func(i *Image) { i.Program = "" },
	} {
		i := wantedByID()
		change(i)
		if err := i.Validate(); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", want, err)
		}
	}
}
