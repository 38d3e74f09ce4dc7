package kube

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"bisc/internal/host"
	"bisc/modules"
	"bisc/modules/job"
)

// hostImage is an image as docker on the host tells of it; the zero value is none.
type hostImage struct {
	ID     string `json:"Id"`
	Size   int64
	Config struct{ Labels map[string]string }
}

// space is what a file system has left.
type space struct {
	device string // as df names it
	free   int64
}

// imageSeen is what was observed of an image.
type imageSeen struct {
	byRef, byID hostImage // under the reference; and the wanted one by its id, where that is known beforehand
	archive     *archive  // where from names one, and the host lacks the wanted image
	pushed      []bool    // pieces of it that are on the host
	kept, docks space     // the file systems of the pieces, and of docker's images; with archive
	node        Node
	images      nodeImages
	nodeSpace   space
	load        job.State
	deployed    *Deployed
	flags       map[string]bool // that the program knows; nil where it was not asked
}

// Plan follows the image along its way.
func (i *Image) Plan(ctx context.Context, h host.Reader) (modules.Change, error) {
	s, err := i.observe(ctx, h)
	if err != nil {
		return modules.Change{}, err
	}
	return i.decide(s), nil
}

func (i *Image) observe(ctx context.Context, h host.Reader) (s imageSeen, err error) {
	ask := []func(context.Context) error{
		func(ctx context.Context) (err error) { s.byRef, err = readHostImage(ctx, h, i.Ref); return err },
	}
	if i.ID != "" {
		ask = append(ask, func(ctx context.Context) (err error) { s.byID, err = readHostImage(ctx, h, i.ID); return err })
	}
	if i.Node != "" {
		ask = append(ask,
			func(ctx context.Context) (err error) {
				if s.node, err = ReadNode(ctx, h, i.Node); err == nil {
					s.nodeSpace, err = freeAt(ctx, h, s.node.Outside("/var/lib/containerd"))
				}
				return err
			},
			func(ctx context.Context) (err error) { s.images, err = readNodeImages(ctx, h, i.Node); return err })
	}
	if i.Deployment != "" {
		ask = append(ask, func(ctx context.Context) error { return i.observePod(ctx, h, &s) })
	}
	if err := host.Ask(ctx, ask...); err != nil {
		return s, err
	}
	if err := i.observeArchive(ctx, h, &s); err != nil {
		return s, err
	}
	want, _ := i.want(s)
	if want == "" {
		return s, nil
	}
	ask = nil
	if i.Node != "" {
		ask = append(ask, func(ctx context.Context) (err error) { s.load, err = i.job(want).Read(ctx, h); return err })
	}
	if len(i.Flags) > 0 && (s.byRef.ID == want || s.byID.ID == want) {
		ask = append(ask, func(ctx context.Context) (err error) { s.flags, err = i.programFlags(ctx, h, want); return err })
	}
	if len(ask) == 0 {
		return s, nil
	}
	return s, host.Ask(ctx, ask...)
}

func readHostImage(ctx context.Context, h host.Reader, name string) (out hostImage, err error) {
	text, err := h.Docker(ctx, host.DockerQuery{What: host.DockerImage, Name: name})
	if errors.Is(err, fs.ErrNotExist) {
		return out, nil
	}
	if err != nil {
		return out, fmt.Errorf("asking docker for the image %s: %w", name, err)
	}
	if err := json.Unmarshal(text, &out); err != nil || !imageIDForm.MatchString(out.ID) {
		return out, fmt.Errorf("asking docker for the image %s: the answer is of an unknown form (%.80q)", name, text)
	}
	return out, nil
}

// observePod reads the Deployment whose pod is to run the image. One that is not there has no pod.
func (i *Image) observePod(ctx context.Context, h host.Reader, s *imageSeen) error {
	d, err := ReadDeployed(ctx, h, API{Kubeconfig: i.Kubeconfig, Context: i.Context}, i.Namespace, i.Deployment)
	if errors.Is(err, host.ErrNoObject) {
		return nil
	}
	if err == nil {
		s.deployed = &d
	}
	return err
}

// observeArchive looks at the archive on the controller, where the host has not the wanted image.
func (i *Image) observeArchive(ctx context.Context, h host.Reader, s *imageSeen) (err error) {
	if i.From == fromHost {
		return nil
	}
	if want, _ := i.want(*s); want != "" && (s.byRef.ID == want || s.byID.ID == want) {
		return nil
	}
	if i.known == nil || !i.known.same() {
		if i.known, err = readArchive(i.From); err != nil {
			return err
		}
	}
	s.archive = i.known
	if want, _ := i.want(*s); want != s.archive.id {
		return nil // it is told, and not sent
	}
	if s.byID, err = readHostImage(ctx, h, s.archive.id); err != nil || s.byID.ID != "" {
		return err // it is there without its name
	}
	if err := s.archive.cut(i.piece); err != nil {
		return err
	}
	return i.observeCopy(ctx, h, s)
}

// observeCopy looks for what of the archive is on the host already, and for room.
func (i *Image) observeCopy(ctx context.Context, h host.Reader, s *imageSeen) error {
	s.pushed = make([]bool, len(s.archive.chunks))
	ask := []func(context.Context) error{
		func(ctx context.Context) (err error) { s.kept, err = freeAt(ctx, h, host.LinuxState); return err },
		func(ctx context.Context) error {
			text, err := h.Docker(ctx, host.DockerQuery{What: host.DockerInfo})
			if err != nil {
				return fmt.Errorf("asking docker where its images are: %w", err)
			}
			var info struct{ DockerRootDir string }
			if err := json.Unmarshal(text, &info); err != nil || !path.IsAbs(info.DockerRootDir) {
				return fmt.Errorf("asking docker where its images are: the answer is of an unknown form (%.80q)", text)
			}
			s.docks, err = freeAt(ctx, h, info.DockerRootDir)
			return err
		},
	}
	for n, c := range s.archive.chunks {
		ask = append(ask, func(ctx context.Context) error {
			st, there, err := host.StatIfThere(ctx, h, path.Join(i.folder(s.archive.id), c.name(n)))
			s.pushed[n] = there && st.Type == host.Regular && st.Size == c.size
			return err
		})
	}
	return host.Ask(ctx, ask...)
}

// freeAt asks df for what a path's file system has left; the folder above is asked where the path is not there yet.
func freeAt(ctx context.Context, h host.Reader, at string) (space, error) {
	if _, there, err := host.StatIfThere(ctx, h, at); err != nil {
		return space{}, err
	} else if !there && at != "/" {
		return freeAt(ctx, h, path.Dir(at))
	}
	argv := []string{"df", "-P", "-k", "--", at}
	out, err := h.Query(ctx, argv...)
	if err != nil {
		return space{}, fmt.Errorf("the space left at %s: %w", at, err)
	}
	lines := strings.Split(strings.TrimSpace(string(out.Stdout)), "\n")
	f := strings.Fields(lines[len(lines)-1]) // device, KiB, used, available, share, mount point
	if out.Exit != 0 || len(lines) != 2 || len(f) < 6 {
		return space{}, fmt.Errorf("the space left at %s: df: exit status %d, %.200q", at, out.Exit, out.Stdout)
	}
	kib, err := strconv.ParseInt(f[3], 10, 64)
	if err != nil {
		return space{}, fmt.Errorf("the space left at %s: df says %.200q", at, out.Stdout)
	}
	return space{f[0], kib << 10}, nil
}

// flagForm finds a flag where --help tells of it: at its line's begin, behind its letter. In the prose other flags are spoken of, also
// such as there no longer are.
var flagForm = regexp.MustCompile(`(?m)^\s*(?:-[a-zA-Z], )?(--[a-z0-9][a-z0-9-]*)`)

// unhidden is what agave's programs want in their environment to tell of all their flags: without it their --help is silent about some
// that biscayne's start script gives (--no-os-network-limits-test, --allow-private-addr); agave's clap-utils, hidden_unless_forced.
const unhidden = "SOLANA_NO_HIDDEN_CLI_ARGS=1"

// programFlags asks the image's program for the flags that it knows: in a container of its own that has no network, no capability, no
// volume and 30 s to answer. Nothing but the program itself tells them.
func (i *Image) programFlags(ctx context.Context, h host.Reader, id string) (map[string]bool, error) {
	argv := []string{"timeout", "-k", "2", "30", "docker", "run", "--rm", "--network", "none", "--read-only", "--cap-drop", "ALL",
		"--security-opt", "no-new-privileges", "--pull", "never", "--env", unhidden, "--entrypoint", i.Program, id, "--help"}
	out, err := h.Probe(ctx, argv...)
	if err != nil {
		return nil, fmt.Errorf("the flags of %s in %s: %w", i.Program, shortID(id), err)
	}
	if out.Exit != 0 {
		return nil, fmt.Errorf("the flags of %s in %s: %w", i.Program, shortID(id), &host.ExitError{Argv: argv[4:6], Exit: out.Exit, Stderr: out.Stderr})
	}
	known := map[string]bool{}
	for _, f := range flagForm.FindAllStringSubmatch(string(out.Stdout), -1) {
		known[f[1]] = true
	}
	if !known["--help"] && len(known) < 2 {
		return nil, fmt.Errorf("the flags of %s in %s: its --help names none: %.200q", i.Program, shortID(id), out.Stdout)
	}
	return known, nil
}

// wantedFlags are the words of flags that are flags, without their values.
func (i *Image) wantedFlags() []string {
	var out []string
	for _, w := range i.Flags {
		name, _, _ := strings.Cut(w, "=")
		if strings.HasPrefix(name, "--") && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}
