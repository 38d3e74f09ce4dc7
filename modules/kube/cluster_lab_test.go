package kube

import (
	"errors"
	"strings"
	"testing"

	"bisc/internal/host"
	"bisc/modules/kindtest"
)

// The kinds on a real API server, a real dockerd, and a stand-in validator that ignores SIGTERM as the real one: an image comes to the
// node, volumes are made, the validator is shaped, started, asked to exit, and all of it is taken down and made again.
func TestOnACluster(t *testing.T) {
	b := newBench(t)
	b.Shell(t, `for v in ledger accounts snapshots log other; do mkdir -p /srv/kind/solana/$v; done`)
	b.createNamespace(t)
	b.createDeployment(t)
	t.Run("image", func(t *testing.T) { onImage(t, b) })
	t.Run("volumes", func(t *testing.T) { onVolumes(t, b) })
	t.Run("deployment", func(t *testing.T) { onDeployment(t, b) })
	t.Run("taken down and made again", func(t *testing.T) { onNamespace(t, b) })
}

// The copy breaks after its first piece, and goes on where it was.
func onImage(t *testing.T, b *bench) {
	i := ImageKind.New(b.image.Tag).(*Image)
	i.ID, i.From, i.Node, i.piece = b.image.ID, b.archive, b.Node, int64(len(b.image.Archive))/3+1
	i.Kubeconfig, i.Namespace, i.Deployment = b.Kubeconfig, b.Namespace, b.Deployment
	c := b.Plan(t, i)
	pushes := 0
	for _, s := range c.Steps {
		if _, ok := s.(host.Push); ok {
			pushes++
		}
	}
	if pushes != 3 {
		t.Fatalf("%d pieces, want 3:\n%s", pushes, kindtest.Print(c))
	}
	b.Do(t, c.Steps[:2]...) // the folder, and one piece
	text := kindtest.Print(b.Plan(t, i))
	if n := strings.Count(text, "step: push"); n != 2 {
		t.Errorf("after one piece %d are sent, want 2:\n%s", n, text)
	}
	b.Does(t, i)
	if got := b.Shell(t, `docker image inspect -f '{{.Id}}' "$1"; ls /var/lib/bisc/images`, b.image.Tag); got != b.image.ID+"\ninto-node" {
		t.Errorf("on the host:\n%s", got)
	}
	i.Flags, i.From = strings.Fields("--known-validator A --accounts-index-limit 1TB"), fromHost
	if text := kindtest.Print(b.Plan(t, i)); !strings.HasPrefix(text, "now flags[--accounts-index-limit]: (none) -> known\n") || strings.Contains(text, "known-validator") {
		t.Errorf("flags:\n%s", text)
	}
	b.Shell(t, `printf x >>/tmp/not-it; tar -C /tmp -c not-it | docker import - "$1" >/dev/null`, b.image.Tag)
	i.Flags = nil
	if text := kindtest.Print(b.Plan(t, i)); !strings.Contains(text, "step: run docker tag "+b.image.ID) || strings.Contains(text, "now node") {
		t.Errorf("another image under the name:\n%s", text)
	}
	b.Does(t, i)
}

func onVolumes(t *testing.T, b *bench) {
	for _, v := range b.volumes() {
		b.Does(t, b.volume(v))
	}
	if v, err := Get[Volume](t.Context(), b.Hands(t), b.api(), Volumes, "", b.ID+"-validator-ledger"); err != nil || v.path() != "/mnt/solana/ledger" || v.Spec.Reclaim != "Retain" || v.Meta.Labels["app"] != b.ID {
		t.Errorf("%+v, %v", v, err)
	}
	// A wrong path: the pair goes, with all its finalizers, before the next is made.
	other := b.volume("ledger")
	other.HostPath = "/srv/kind/solana/other"
	b.Does(t, other)
	if text := kindtest.Print(b.Plan(t, b.volume("ledger"))); !strings.Contains(text, "now path: /mnt/solana/other -> /mnt/solana/ledger\n") {
		t.Errorf("got\n%s", text)
	}
	b.Does(t, b.volume("ledger"))
}

func onDeployment(t *testing.T, b *bench) {
	off, on := 0, 1
	b.Does(t, b.deployment(&off))
	ends := b.Plan(t, b.namespace()).Steps // planned while nothing ran
	b.Does(t, b.deployment(&on))
	d, err := ReadDeployed(t.Context(), b.Hands(t), b.api(), b.Namespace, b.Deployment)
	if err != nil || len(d.Pods) != 1 || len(d.Strays) != 0 || d.Pods[0].Spec.GraceSeconds() != 300 {
		t.Fatalf("%+v, %v", d, err)
	}
	// What is changed by hand is told, and not mended while it runs.
	longer := 400
	w := b.deployment(&on)
	w.Grace = &longer
	if c := b.Plan(t, w); len(c.Steps) != 0 || !strings.Contains(kindtest.Print(c), "why: only at 0 replicas") {
		t.Errorf("a change while it runs:\n%s", kindtest.Print(c))
	}
	if c := b.Plan(t, b.namespace()); len(c.Steps) != 0 || c.InSync() {
		t.Errorf("the namespace of a live pod:\n%s", kindtest.Print(c))
	}
	if text := kindtest.Print(b.Plan(t, b.remade())); !strings.Contains(text, "why: a pod names the claim") {
		t.Errorf("the volume of a live pod:\n%s", text)
	}
	var refused *host.GuardError
	if err := b.Hands(t).Do(t.Context(), ends[0]); !errors.As(err, &refused) {
		t.Errorf("the namespace's deletion, planned before the validator ran: %v", err)
	}
	b.Does(t, b.deployment(&off))
	if got := b.Shell(t, `tail -n 1 /srv/kind/solana/log/validator.log`); !strings.HasSuffix(got, "Validator exiting..") {
		t.Errorf("the validator did not exit by itself; its log ends %q", got)
	}
}

func (b *bench) remade() *WantedVolume {
	w := b.volume("ledger")
	w.HostPath = "/srv/kind/solana/other"
	return w
}

func onNamespace(t *testing.T, b *bench) {
	b.Does(t, b.namespace())
	b.createNamespace(t)
	v, err := Get[Volume](t.Context(), b.Hands(t), b.api(), Volumes, "", b.ID+"-validator-ledger")
	if err != nil || v.Status.Phase != "Released" {
		t.Fatalf("after the namespace's end the volume is %q, %v", v.Status.Phase, err)
	}
	for _, name := range b.volumes() {
		b.Does(t, b.volume(name))
	}
	b.createDeployment(t)
	off, on := 0, 1
	b.Does(t, b.deployment(&off))
	b.Does(t, b.deployment(&on))
	b.Settle(t, b.deployment(&on))
	b.Does(t, b.deployment(&off))
}
