package laconic

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"path"
	"regexp"
	"strings"
	"time"

	"bisc/internal/host"
	"bisc/modules"
)

// GitCheckoutKind is a repository at a commit.
var GitCheckoutKind = modules.Kind{
	Name:     "git_checkout",
	Label:    "the folder of the repository: /home/rix/stack-orchestrator",
	Platform: host.Linux,
	Layer:    "kind",
	Doc: "A git repository at one commit, named whole: a branch is another commit tomorrow. git runs as `user`, never as root. Local changes are shown as a patch; they are passed only where `discard` " +
		"names the digest of that patch, and then it is saved in " + patchFolder + " first (`git apply` brings them back). What was checked out before stays reachable under refs/bisc/was. " +
		"Where the commit is to be fetched by SSH, the operator's agent is lent to that one step and to no other. The repository's hooks are not run; submodules are left alone.",
	Checks: []string{
		"now: HEAD is the commit (on a branch or detached)",
		"now: origin's URL",
		"now: no file differs from the commit, and none is untracked (ignored files do not count)",
	},
	Losses: []modules.Loss{
		{What: "local changes and untracked files", When: "discard names the digest of their patch", Guards: []string{"local changes as saved"}},
	},
	Example: `git_checkout "/home/rix/stack-orchestrator" {
  remote = "git@git.example.org:cerc-io/stack-orchestrator.git"
  commit = "0251dab4c78ab7490510741abcd5a7b53314f193"
  user   = "rix"
}
`,
	New: func(label string) modules.Resource { return &GitCheckout{Path: label, Limit: 5 * time.Minute} },
}

// patchFolder is where local changes are saved before they are passed, for root alone.
const patchFolder = host.LinuxState + "/patches"

// GitCheckout is the resource of GitCheckoutKind.
type GitCheckout struct {
	Path         string
	Remote       string        `hcl:"remote" doc:"where the commit is fetched from: a URL, USER@HOST:PATH, or a path of the host"`
	Commit       string        `hcl:"commit" doc:"the commit's 40 hexadecimal digits"`
	User         string        `hcl:"user" doc:"who owns the repository and runs git; with an agent, the user that bisc logs in as"`
	ForwardAgent *bool         `hcl:"forward_agent,optional" doc:"lend the operator's SSH agent to the step that fetches. Default: true where the remote is reached by SSH"`
	Discard      string        `hcl:"discard,optional" doc:"the digest of the local changes that may be passed, as the plan shows it"`
	Limit        time.Duration `hcl:"limit,optional" doc:"how long the fetch may take" default:"\"5m\""`
}

// Owns the working tree.
func (g *GitCheckout) Owns() []string { return []string{"git:" + g.Path} }

var (
	commitForm = regexp.MustCompile(`^[0-9a-f]{40}$`)
	urlForm    = regexp.MustCompile(`^(https?|ssh|git|file)://[^\s]+$`)
	scpForm    = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*@[A-Za-z0-9][A-Za-z0-9.-]*:[^\s]+$`)
	userForm   = regexp.MustCompile(`^[a-z_][a-z0-9_-]*$`)
	patchForm  = regexp.MustCompile(`^[0-9a-f]{12}$`)
)

// Validate checks the folder, the commit, the remote and the names.
func (g *GitCheckout) Validate() error {
	var faults []error
	fault := func(attr, format string, args ...any) {
		faults = append(faults, &modules.AttrError{Attr: attr, Reason: fmt.Sprintf(format, args...)})
	}
	if !path.IsAbs(g.Path) || path.Clean(g.Path) != g.Path || g.Path == "/" {
		fault("", "%q: write the folder's absolute path, without a slash at its end", g.Path)
	}
	if !commitForm.MatchString(g.Commit) {
		fault("commit", "%q is not a commit's 40 hexadecimal digits: a branch or a tag is another commit tomorrow (git rev-parse NAME tells today's)", g.Commit)
	}
	if !urlForm.MatchString(g.Remote) && !scpForm.MatchString(g.Remote) && !path.IsAbs(g.Remote) {
		fault("remote", "%q: write a URL (https, ssh, git, file), USER@HOST:PATH, or an absolute path", g.Remote)
	}
	if strings.HasPrefix(g.Remote, "http") && strings.Contains(strings.SplitN(g.Remote+"//", "/", 4)[2], "@") {
		fault("remote", "a password or token in a URL is shown in plans and kept in the repository: use an agent or a credential helper")
	}
	if !userForm.MatchString(g.User) || g.User == "root" {
		fault("user", "%q: name the user whose the repository is; root never runs git in it, for git runs what the repository says", g.User)
	}
	if g.Discard != "" && !patchForm.MatchString(g.Discard) {
		fault("discard", "%q is not a digest of 12 hexadecimal digits, as the plan shows it with the local changes", g.Discard)
	}
	return errors.Join(faults...)
}

// Plan asks git.
func (g *GitCheckout) Plan(ctx context.Context, h host.Reader) (modules.Change, error) {
	r, err := readRepository(ctx, h, g.User, g.Path, g.Commit)
	if err != nil {
		return modules.Change{}, err
	}
	return g.decide(r), nil
}

//go:embed git-fetch.sh
var gitFetchText string

//go:embed git-checkout.sh
var gitCheckoutText string

//go:embed git-remote.sh
var gitRemoteText string

// decide says what stands between a repository and its commit.
func (g *GitCheckout) decide(r repository) modules.Change {
	var c modules.Change
	if r.ground == "other" {
		c.Refuse("repository", "files, and no repository", "a repository", g.Path+" holds files that are nobody's commit: move them away")
		return c
	}
	keep, discard := g.localChanges(&c, r)
	if !r.there {
		c.Differ("repository", "(none)", "a repository")
	}
	c.Differ("commit", orNone(r.head), g.Commit)
	if r.remote != g.Remote {
		c.Differ("remote", orNone(r.remote), g.Remote)
	}
	if keep {
		for i := range c.Diffs {
			if c.Diffs[i].Why == "" {
				c.Diffs[i].Why = "there are local changes: nothing is touched before they are passed"
			}
		}
		return c
	}
	g.steps(&c, r, discard)
	return c
}

// localChanges shows what the working tree has beyond its commit. It tells whether that is to be kept, or may go.
func (g *GitCheckout) localChanges(c *modules.Change, r repository) (keep, discard bool) {
	if len(r.changed) == 0 {
		return false, false
	}
	d := modules.Diff{Attr: "local changes", Got: fmt.Sprintf("%d files: %s", len(r.changed), r.files()), Want: "none"}
	digest := r.digest()[:12]
	switch {
	case r.large != "":
		d.Why = fmt.Sprintf("untracked files of %s bytes are too much for a patch: look at them (git -C %s status) and move away what is to be kept", r.large, g.Path)
	case g.Discard != digest:
		d.Text = shortened(r.patch)
		d.Why = fmt.Sprintf("they are passed only by name: discard = \"%s\" is the digest of this patch, which is saved on the host first", digest)
	default:
		d.Text = shortened(r.patch)
		c.Destroy(fmt.Sprintf("the local changes of %s (%d files; saved as %s)", g.Path, len(r.changed), g.patchFile(digest)))
	}
	c.Diffs = append(c.Diffs, d)
	return d.Why != "", d.Why == ""
}

// patchFile is where a patch with this digest is saved.
func (g *GitCheckout) patchFile(digest string) string {
	return fmt.Sprintf("%s/%s-%s.patch", patchFolder, strings.ReplaceAll(strings.Trim(g.Path, "/"), "/", "-"), digest)
}

// shortened is a patch as it is shown: whole up to 400 lines.
func shortened(patch []byte) string {
	const most = 400
	lines := strings.SplitAfter(strings.ToValidUTF8(string(patch), "�"), "\n")
	if len(lines) <= most {
		return strings.Join(lines, "")
	}
	return strings.Join(lines[:most], "") + fmt.Sprintf("… and %d lines more\n", len(lines)-most)
}

// steps save the patch, fetch, and check out, each as far as it is needed.
func (g *GitCheckout) steps(c *modules.Change, r repository, discard bool) {
	if discard {
		c.Do(host.Script{Argv: []string{"mkdir", "-p", "-m", "0700", "--", patchFolder}},
			host.Put{Path: g.patchFile(r.digest()[:12]), Content: r.patch, Mode: 0o600})
	}
	if !r.has && r.head != g.Commit {
		agent := g.lendsAgent()
		word := ""
		if agent {
			word = "agent"
		}
		c.Do(host.Script{Argv: g.script("fetch commit", gitFetchText, g.Remote, g.Commit, word), Limit: g.Limit, ForwardAgent: agent})
	}
	if r.remote != g.Remote {
		c.Do(host.Script{Argv: g.script("set remote", gitRemoteText, g.Remote)})
	}
	if r.head == g.Commit && !discard {
		return
	}
	word := ""
	if discard {
		word = "discard"
	}
	s := host.Script{Argv: g.script("check out", gitCheckoutText, g.Commit, word)}
	s.Guards = []host.Guard{host.GitChanges(g.User, g.Path, r.digest())}
	c.Do(s)
}

func (g *GitCheckout) script(name, text string, args ...string) []string {
	return append([]string{"sh", "-c", host.GitAs() + text, name, g.User, g.Path}, args...)
}

// lendsAgent tells whether the fetch is lent the operator's agent.
func (g *GitCheckout) lendsAgent() bool {
	if g.ForwardAgent != nil {
		return *g.ForwardAgent
	}
	return strings.HasPrefix(g.Remote, "ssh://") || scpForm.MatchString(g.Remote)
}
