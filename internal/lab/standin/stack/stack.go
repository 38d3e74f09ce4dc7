// Package stack puts into a lab host what biscayne has of layer 3 before anything is started: laconic-so and kind, their repositories
// with several commits, the agave stack's, a deployment's folder, the validator's folders and identity, and its image in docker.
package stack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"bisc/internal/lab/cluster"
	"bisc/internal/lab/solana/key"
	"bisc/internal/lab/standin/agave"
	"bisc/internal/lab/standin/laconic"
)

// Where things are on the host, as on biscayne (biscayne.md 1.0).
const (
	Program    = "/home/rix/.local/bin/laconic-so"
	Kind       = "/usr/local/bin/kind"
	Repository = laconic.Repository
	Stack      = "/srv/deployments/agave-stack"
	Definition = Stack + "/stack-orchestrator/stacks/agave"
	Deployment = "/srv/deployments/agave"
	// Upstream are the bare repositories that both are clones of: Upstream/stack-orchestrator.git, Upstream/agave-stack.git.
	Upstream = "/srv/git"
)

// Branches of laconic-so that the real host had installed at one time or another.
const (
	Main        = "main"                       // kind-mount-root, HostToContainer, prepare; clusters are managed only when asked
	Propagation = "fix/kind-mount-propagation" // a mount a volume; start and stop manage the cluster by default
	Synced      = "feature/sync-config"        // Main, and --update writes config.env
)

// branches are the features of each, in the order of their commits.
func branches() []struct {
	name string
	laconic.Features
} {
	main := laconic.Features{MountRoot: true, Propagation: true, PortMappings: true, Prepare: true}
	synced := main
	synced.SyncConfig = true
	return []struct {
		name string
		laconic.Features
	}{
		{Main, main},
		{Propagation, laconic.Features{Propagation: true, PortMappings: true, ManageCluster: true}},
		{Synced, synced},
	}
}

// Installed is what Install has put there.
type Installed struct {
	host cluster.Host
	// Commits of laconic-so's branches, and of the stack's: StackOld comes before StackNew, which main is at.
	Commits            map[string]string
	StackOld, StackNew string
}

// Install puts programs and repositories into a host. The working copies are at main.
func Install(ctx context.Context, h cluster.Host) (*Installed, error) {
	i := &Installed{host: h, Commits: map[string]string{}}
	if _, err := h.Shell(ctx, `
id rix >/dev/null 2>&1 || useradd --create-home --shell /bin/bash rix
! getent group docker >/dev/null || usermod -aG docker rix
install -d -o rix -g rix /home/rix/.local /home/rix/.local/bin /srv/deployments "$1"`, Upstream); err != nil {
		return nil, err
	}
	for path, pkg := range map[string]string{Program: "laconic/cmd/laconic-so", Kind: "kind/cmd/kind"} {
		text, err := agave.Compile(ctx, "bisc/internal/lab/standin/"+pkg)
		if err != nil {
			return nil, err
		}
		if err := h.Install(ctx, bytes.NewReader(text), path); err != nil {
			return nil, err
		}
	}
	if err := installGit(ctx, h); err != nil {
		return nil, err
	}
	return i, i.repositories(ctx)
}

// installGit lends the host this machine's git: the hosts' file system has none.
func installGit(ctx context.Context, h cluster.Host) error {
	if _, err := h.Exec(ctx, "git", "--version"); err == nil {
		return nil
	}
	f, err := os.Open("/usr/bin/git")
	if err != nil {
		return fmt.Errorf("git of this machine: %w", err)
	}
	defer f.Close()
	if err := h.Install(ctx, f, "/usr/local/bin/git"); err != nil {
		return err
	}
	_, err = h.Shell(ctx, "for name in git-upload-pack git-receive-pack; do ln -sf git /usr/local/bin/$name; done")
	return err
}

// repositories are made here, with the same commits each time, and unpacked there.
func (i *Installed) repositories(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "bisc-lab-git-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	so := work{ctx: ctx, dir: filepath.Join(dir, "stack-orchestrator")}
	so.init()
	for n, b := range branches() {
		if n > 0 {
			so.git("checkout", "-q", "-b", b.name, Main)
		}
		i.Commits[b.name] = so.commit(map[string]string{laconic.FeaturesFile: indented(b.Features)}, b.name)
	}
	so.git("checkout", "-q", Main)
	st := work{ctx: ctx, dir: filepath.Join(dir, "agave-stack")}
	st.init()
	files := map[string]string{"deployment/spec.yml": strings.Replace(spec, "LIMIT_LEDGER_SIZE: '50000000'", "LIMIT_LEDGER_SIZE: '40000000'", 1),
		"stack-orchestrator/stacks/agave/stack.yml": definition, "stack-orchestrator/compose/docker-compose-agave.yml": compose}
	i.StackOld = st.commit(files, "agave stack")
	i.StackNew = st.commit(map[string]string{"deployment/spec.yml": spec}, "deployment: a larger ledger")
	if err := errors.Join(so.err, st.err); err != nil {
		return fmt.Errorf("make the repositories: %w", err)
	}
	for name, to := range map[string]string{"stack-orchestrator": Repository, "agave-stack": Stack} {
		if err := i.unpack(ctx, dir, name, to); err != nil {
			return err
		}
	}
	return nil
}

// unpack copies a repository to the host: a bare one, and a clone of that.
func (i *Installed) unpack(ctx context.Context, dir, name, to string) error {
	pack := exec.CommandContext(ctx, "tar", "-C", filepath.Join(dir, name), "-c", ".git")
	text, err := pack.Output()
	if err != nil {
		return fmt.Errorf("pack %s: %w", name, err)
	}
	_, err = i.host.Feed(ctx, bytes.NewReader(text), "sh", "-e", "-c", `
tmp=$(mktemp -d); tar -C "$tmp" -x; mv "$tmp/.git" "$1/$2.git"
git -C "$1/$2.git" config core.bare true
chown -R rix:rix "$1/$2.git"
git config --system --add safe.directory "$1/$2.git" # another machine's, which no user here owns
mkdir -p "$3"; chown rix:rix "$3"
setpriv --reuid=rix --regid=rix --init-groups env HOME=/home/rix git clone -q "$1/$2.git" "$3"`, "sh", Upstream, name, to)
	if err != nil {
		return fmt.Errorf("unpack %s: %w", name, err)
	}
	return nil
}

// CreateDeployment has laconic-so write the deployment's folder for a cluster of that name, and makes the validator's folders and its
// identity, whose public key it returns.
func (i *Installed) CreateDeployment(ctx context.Context, id string) (pubkey string, err error) {
	if _, err := i.host.Exec(ctx, "env", "LAB_CLUSTER_ID="+id, Program, "--stack", Definition, "deploy", "create", "--spec-file", Stack+"/deployment/spec.yml", "--deployment-dir", Deployment); err != nil {
		return "", err
	}
	if _, err := i.host.Shell(ctx, `cd /srv; mkdir -p kind/solana/ledger kind/solana/snapshots kind/solana/log kind/solana/ramdisk/accounts`); err != nil {
		return "", err
	}
	err = i.put(ctx, Deployment+"/data/validator-config", func(dir string) (err error) {
		pubkey, err = key.Write(filepath.Join(dir, "validator-identity.json"), "the lab's validator")
		return err
	})
	return pubkey, err
}

// put makes files here and copies them into a folder of the host, where files of the same names stay as they are.
func (i *Installed) put(ctx context.Context, to string, write func(dir string) error) error {
	dir, err := os.MkdirTemp("", "bisc-lab-files-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := write(dir); err != nil {
		return err
	}
	made, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	pack := []string{"-C", dir, "-c", "--"} // the files by name: the folder itself stays as it is there
	for _, f := range made {
		pack = append(pack, f.Name())
	}
	text, err := exec.CommandContext(ctx, "tar", pack...).Output()
	if err != nil {
		return fmt.Errorf("pack the files for %s: %w", to, err)
	}
	if _, err := i.host.Feed(ctx, bytes.NewReader(text), "tar", "-C", to, "-x", "--skip-old-files"); err != nil {
		return fmt.Errorf("unpack files into %s: %w", to, err)
	}
	return nil
}

// LoadImage loads an image into the host's docker.
func (i *Installed) LoadImage(ctx context.Context, image agave.Image) error {
	if _, err := i.host.Feed(ctx, bytes.NewReader(image.Archive), "docker", "load", "-q"); err != nil {
		return fmt.Errorf("load %s into docker: %w", image.Tag, err)
	}
	return nil
}
