package kube

import (
	_ "embed"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"bisc/internal/host"
	"bisc/modules"
	"bisc/modules/job"
)

//go:embed image-load.sh
var imageLoadText string

//go:embed image-into-node.sh
var imageIntoNodeText string

// Limits of what takes long with an image of 10 GB.
const (
	loadLimit = 30 * time.Minute // docker load
	nodeLimit = 30 * time.Minute // docker save to the node's import
)

// reserve is what a disk keeps beside an image: a full one stops docker, the node and the journal.
const reserve = 1 << 30

// want is the id that is wanted, and whether and where it is known from; none: why there is none.
func (i *Image) want(s imageSeen) (id, why string) {
	switch {
	case i.ID != "":
		return i.ID, ""
	case i.External && s.byRef.ID != "":
		return s.byRef.ID, ""
	case i.External && s.archive != nil:
		return s.archive.id, ""
	case i.External:
		return "", "the host has no such image, and nothing says where one comes from: load it, or name its archive in from"
	case s.byRef.ID != "" && i.builtOf(s.byRef.Config.Labels) == "":
		return s.byRef.ID, ""
	case s.archive != nil && i.builtOf(s.archive.labels) == "":
		return s.archive.id, ""
	case s.archive != nil:
		return "", "the archive was not built of that: " + i.builtOf(s.archive.labels) + ": bisc image build makes one"
	}
	return "", "no image was built of that (bisc image build makes one; from names its archive)"
}

// builtOf says in what the labels differ from the inputs that are wanted.
func (i *Image) builtOf(labels map[string]string) string {
	for _, k := range slices.Sorted(maps.Keys(i.Built)) {
		if got := labels[BuildLabel(k)]; got != i.Built[k] {
			return fmt.Sprintf("%s is %s, want %s", k, orNone(got), i.Built[k])
		}
	}
	return ""
}

// decide is the whole sense of the kind.
func (i *Image) decide(s imageSeen) (c modules.Change) {
	want, why := i.want(s)
	if want == "" {
		got := orNone(shortOf(s.byRef.ID))
		if s.byRef.ID != "" {
			got += ": " + i.builtOf(s.byRef.Config.Labels)
		}
		c.Refuse("host", got, i.wanted(), why)
		return c
	}
	if s.archive != nil && s.archive.id != want {
		c.Refuse("from", shortID(s.archive.id), shortID(want), "the archive "+i.From+" holds another image")
		return c
	}
	if !i.onHost(&c, s, want) {
		return c
	}
	// What lacks a flag comes no further: in the node the tag would be its own, and a container that starts anew there runs what the tag names.
	if i.takesFlags(&c, s, want) && i.Node != "" {
		i.inNode(&c, s, want)
	}
	if s.deployed != nil {
		i.inPod(&c, s, want)
	}
	return c
}

// takesFlags tells whether the image's program knows every wanted flag, and refuses for each that it does not.
func (i *Image) takesFlags(c *modules.Change, s imageSeen, want string) bool {
	all := true
	for _, f := range i.wantedFlags() {
		if !s.flags[f] {
			all = false
			c.Refuse("flags["+f+"]", "(none)", "known", i.Program+" of "+shortID(want)+" does not name it in its --help: a flag of another version ends the validator at each start")
		}
	}
	return all
}

func (i *Image) wanted() string {
	if i.External {
		return "an image"
	}
	var out []string
	for _, k := range slices.Sorted(maps.Keys(i.Built)) {
		out = append(out, k+" "+i.Built[k])
	}
	return "built of " + strings.Join(out, ", ")
}

// onHost brings the image to the host, and the reference to it. It tells whether the way goes on.
func (i *Image) onHost(c *modules.Change, s imageSeen, want string) bool {
	got := orNone(shortOf(s.byRef.ID))
	switch {
	case s.byRef.ID == want:
		return true
	case s.byID.ID == want:
		c.Differ("host", got, shortID(want))
		c.Do(host.Script{Argv: []string{"docker", "tag", want, i.Ref}})
		return true
	case s.archive == nil:
		c.Refuse("host", got, shortID(want), "the host has no such image under any name: bisc image build makes one, and from names its archive")
		return false
	}
	if why := s.room(); why != "" {
		c.Refuse("host", got, shortID(want), why)
		return false
	}
	c.Differ("host", got, shortID(want))
	i.copy(c, s)
	return true
}

// folder is where the pieces of an archive are kept on the host until the image is loaded.
func (i *Image) folder(id string) string {
	return path.Join(images, strings.TrimPrefix(id, "sha256:"))
}

// copy sends the pieces that are not there yet, and loads the whole.
func (i *Image) copy(c *modules.Change, s imageSeen) {
	a := s.archive
	folder := i.folder(a.id)
	argv := []string{"sh", "-c", imageLoadText, "load image", folder, a.id, i.Ref}
	if !slices.Contains(s.pushed, true) {
		c.Do(host.Script{Argv: []string{"mkdir", "-p", "-m", "0700", "--", folder}})
	}
	for n, piece := range a.chunks {
		if !s.pushed[n] {
			c.Do(a.push(folder, n))
		}
		argv = append(argv, piece.name(n))
	}
	c.Do(host.Script{Argv: argv, Limit: loadLimit})
}

// room says what the host's disks lack for the pieces that are still to come, and for docker's layers.
func (s imageSeen) room() string {
	var left int64
	for n, piece := range s.archive.chunks {
		if !s.pushed[n] {
			left += piece.size
		}
	}
	pieces, layers := left+reserve, s.archive.size+reserve
	if s.kept.device == s.docks.device {
		pieces += s.archive.size
	}
	switch {
	case s.kept.free < pieces:
		return fmt.Sprintf("%s of the host has %s left, and the image needs %s there", host.LinuxState, mebibytes(s.kept.free), mebibytes(pieces))
	case s.docks.free < layers:
		return fmt.Sprintf("docker's folder on the host has %s left, and the image needs %s there", mebibytes(s.docks.free), mebibytes(layers))
	}
	return ""
}

func mebibytes(n int64) string { return fmt.Sprintf("%d MiB", n>>20) }

// job carries the image into the node.
func (i *Image) job(want string) job.Job {
	return job.Job{
		ID: "image-" + strings.TrimPrefix(want, "sha256:")[:12], Limit: nodeLimit,
		Argv: []string{"/bin/bash", intoNode, i.Ref, want, i.Node},
	}
}

// images is where a host keeps what is on its way, and intoNode the program of the job there.
const (
	images   = host.LinuxState + "/images"
	intoNode = images + "/into-node"
)

// start puts the job's program on the host, and begins it.
func (i *Image) start(c *modules.Change, want string) {
	c.Do(host.Script{Argv: []string{"mkdir", "-p", "-m", "0700", "--", images}}, host.Put{Path: intoNode, Content: []byte(imageIntoNodeText), Mode: 0o600})
	c.Do(i.job(want).Start()...)
	c.Settle = nodeLimit + time.Minute
}

// inNode brings the image into the node, or waits for who does it already.
func (i *Image) inNode(c *modules.Change, s imageSeen, want string) {
	got := s.images.byRef(i.Ref)
	if got == want || s.load.Await(c, "node") {
		return
	}
	need := 2*max(s.byRef.Size, s.byID.Size) + reserve // the layers as they come, and unpacked
	if s.archive != nil {
		need = 2*s.archive.size + reserve
	}
	text := orNone(shortOf(got))
	if s.nodeSpace.free < need {
		c.Refuse("node", text, shortID(want), fmt.Sprintf("the node's containerd has %s left, and the image needs %s", mebibytes(s.nodeSpace.free), mebibytes(need)))
		return
	}
	if s.load.Phase == job.Failed || s.load.Phase == job.Lost {
		text += " (the last load " + s.load.String() + ")"
		// A load that has failed is not begun again by who waits for it: the operator reads why first.
		if s.load.Phase == job.Failed && s.load.Now.Sub(s.load.Ended) < time.Minute {
			c.Refuse("node", text, shortID(want), "it has failed just now: see "+i.job(want).Output()+" on the host; again in a minute")
			return
		}
	}
	c.Differ("node", text, shortID(want))
	i.start(c, want)
}

// inPod tells what the pod runs. It is not changed here: a pod starts only at 0 replicas, with the proof before it.
func (i *Image) inPod(c *modules.Change, s imageSeen, want string) {
	main, _ := s.deployed.Deployment.Spec.Template.Spec.container(i.Container)
	if fullRef(main.Image) != fullRef(i.Ref) {
		c.Refuse("deployment", orNone(main.Image), i.Ref, "the Deployment names another image: kube_deployment, at 0 replicas")
	}
	for _, p := range s.deployed.All() {
		status, ok := p.status(i.Container)
		if !ok || status.ImageID == "" {
			continue
		}
		if got := s.images.byPodID(status.ImageID); got != want {
			c.Refuse("pod", orNone(shortOf(got)), shortID(want), fmt.Sprintf("the pod %s runs another image (its imageID is %s): it goes on with it until it is started anew: bisc run upgrade-image", p.Meta.Name, status.ImageID))
		}
	}
}
