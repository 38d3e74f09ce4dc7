package kube

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/distribution/reference"

	"bisc/internal/host"
	"bisc/modules"
)

// ImageKind is an image on its way from where it was built to the pod that runs it.
var ImageKind = modules.Kind{
	Name: "image", Label: "the reference: laconicnetwork/agave:local", Platform: host.Linux, Layer: "agave",
	Doc: "An image by its id (the SHA-256 of its configuration), along its whole way: built, on the host, in the node, in the pod. Compared by id, never by tag: a new image was built, and for weeks the old one ran, since nobody had loaded it into the node and the tag was the same. " +
		"Which id is wanted is said by id; by built, the inputs that `bisc image build` wrote into the image's labels; or by external = true, whatever the host has under the reference. " +
		"from names an archive on the controller (docker save's form, uncompressed): it is carried in pieces, so that a copy that broke goes on where it was, each proved by its digest, loaded, and tagged. " +
		"An image whose program lacks a wanted flag comes no further than the host. " +
		"The way into the node is docker save to ctr images import, as `kind load` does it, in a detached job that outlives the connection; the tag moves in the node only when the host's image is the wanted one. " +
		"What the pod runs is told and not changed: kube_deployment starts a pod at 0 replicas. " +
		"The node's images are asked for by docker exec, with a limit; flags by docker run, as a probe (--no-probes leaves the resource unknown).",
	Checks: []string{
		"now and after boot (images are on disk): the id under the reference on the host, and in the node's containerd",
		"now: the id of the image that the Deployment's pod runs, and whether the Deployment names the reference",
		"that the image's program knows each wanted flag: its own --help, run without network",
		"before a copy: that the host's and the node's disks have room for it",
	},
	Losses: []modules.Loss{{
		What:   "the name of the image that had the reference before; the image stays, without the name",
		When:   "the reference names another image on the host or in the node",
		Guards: []string{"the wanted image is on the host, by its id", "the image's archive has the wanted id, by the digest of its configuration"},
	}},
	Example: `image "laconicnetwork/agave:local" {
  node       = "laconic-70ce4c4b47e23b85-control-plane"
  built      = { source = "https://github.com/anza-xyz/agave", commit = "0123456789abcdef0123456789abcdef01234567" }
  from       = "/srv/builds/agave.tar"
  kubeconfig = "/home/rix/.kube/config"
  namespace  = "laconic-laconic-70ce4c4b47e23b85"
  deployment = "laconic-70ce4c4b47e23b85-deployment"
  flags      = ["--wal-recovery-mode", "--no-snapshot-fetch"]
}
`,
	New: func(label string) modules.Resource {
		return &Image{Ref: label, From: fromHost, Container: "agave-validator", Program: "agave-validator", piece: chunkSize}
	},
}

// fromHost is the from of an image that is made on the host itself.
const fromHost = "host"

// Image is the resource of ImageKind.
type Image struct {
	Ref        string
	ID         string            `hcl:"id,optional" doc:"the wanted image's id: sha256:..., as docker image inspect gives the Id"`
	Built      map[string]string `hcl:"built,optional" doc:"what the wanted image was built of, as bisc image build was told: source, commit, patch"`
	External   bool              `hcl:"external,optional" default:"false" doc:"whatever the host has under the reference is wanted: bisc only carries it on"`
	From       string            `hcl:"from,optional" default:"\"host\"" doc:"host: it is made there; else the absolute path of an archive on the controller, as docker save writes it"`
	Node       string            `hcl:"node,optional" doc:"the node's container; unset: the image is wanted on the host only"`
	Kubeconfig string            `hcl:"kubeconfig,optional" doc:"the kubeconfig, a path on the host: with deployment"`
	Context    string            `hcl:"context,optional" doc:"the kubeconfig's context; unset is its current one"`
	Namespace  string            `hcl:"namespace,optional" doc:"the Deployment's namespace"`
	Deployment string            `hcl:"deployment,optional" doc:"the Deployment whose pod is to run the image; unset: that is not looked at"`
	Container  string            `hcl:"container,optional" default:"\"agave-validator\"" doc:"the container in that pod"`
	Flags      []string          `hcl:"flags,optional" doc:"flags that the image's program must know; words without -- in front are passed over, so that a split EXTRA_ARGS can be given"`
	Program    string            `hcl:"program,optional" default:"\"agave-validator\"" doc:"the program in the image whose --help is asked"`

	known *archive // what was read of From, while the file is the same
	piece int64    // into which the archive is cut
}

// builtKeys are what built may speak of; BuildLabel is the label in which bisc image build keeps each.
var builtKeys = []string{"source", "commit", "patch"}

// BuildLabel is the image's label that says of what it was built: "bisc.commit".
func BuildLabel(key string) string { return "bisc." + key }

var commitForm = regexp.MustCompile(`^[0-9a-f]{40}([0-9a-f]{24})?$`)

// Validate finds what can be known without a host.
func (i *Image) Validate() error {
	var faults []error
	fault := func(bad bool, attr, reason string) {
		if bad {
			faults = append(faults, &modules.AttrError{Attr: attr, Reason: reason})
		}
	}
	ways := 0
	for _, said := range []bool{i.ID != "", len(i.Built) > 0, i.External} {
		if said {
			ways++
		}
	}
	fault(ways != 1, "id", "say which image is wanted in one way: id, built, or external = true")
	fault(i.ID != "" && !imageIDForm.MatchString(i.ID), "id", "write sha256: and 64 hex digits")
	for _, k := range slices.Sorted(maps.Keys(i.Built)) {
		fault(!slices.Contains(builtKeys, k), "built", fmt.Sprintf("there is no %q: write source, commit, patch", k))
	}
	fault(len(i.Built) > 0 && !commitForm.MatchString(i.Built["commit"]), "built", "commit is 40 hex digits: a branch or a tag moves")
	_, badRef := reference.ParseDockerRef(i.Ref)
	fault(badRef != nil, "", fmt.Sprintf("%q is no reference of an image: write laconicnetwork/agave:local", i.Ref))
	fault(i.From != fromHost && !strings.HasPrefix(i.From, "/"), "from", "write host, or the archive's absolute path on the controller")
	fault(strings.HasPrefix(i.Node, "-"), "node", "it is the name of a container")
	fault(i.Deployment != "" && (i.Kubeconfig == "" || i.Namespace == "" || i.Node == ""), "deployment", "it needs kubeconfig, namespace and node")
	fault(strings.HasPrefix(i.Program, "-") || i.Program == "", "program", "it is the name of a program in the image")
	return errors.Join(faults...)
}
