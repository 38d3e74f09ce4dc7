package discover

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"bisc/internal/host"
)

// localFile is a small file of the host's own: no package's, no link.
type localFile struct {
	path string
	stat host.Stat
	text string
}

// maxFile is the largest file whose content is written into a plan, in bytes.
const maxFile = 64 << 10

// configured are the folders in which administrators and playbooks write, whole files at a time.
func configured() []string {
	return []string{
		"/etc/systemd/system/*", "/etc/systemd/system/*.d/*.conf", "/run/systemd/transient/*",
		"/etc/modules-load.d/*.conf", "/etc/modprobe.d/*.conf", "/etc/sysctl.d/*.conf", "/etc/sudoers.d/*",
		"/etc/needrestart/conf.d/*.conf", "/etc/apt/apt.conf.d/*", "/etc/docker/daemon.json", "/etc/security/limits.d/*.conf",
		"/etc/cron.d/*", "/var/spool/cron/crontabs/*", "/etc/netplan/*.yaml", "/etc/network/interfaces.d/*", "/etc/udev/rules.d/*.rules",
		"/etc/sysctl.conf",
	}
}

// generated are files that a package's scripts write, and of which dpkg knows nothing.
func generated(name string) bool {
	switch name {
	case "/etc/apt/apt.conf.d/20auto-upgrades", "/etc/apt/apt.conf.d/50unattended-upgrades", "/etc/apt/apt.conf.d/01autoremove-kernels",
		"/etc/sysctl.d/99-sysctl.conf", "/etc/cron.d/popularity-contest":
		return true
	}
	return strings.HasPrefix(path.Base(name), "docker-") && within(name, "/etc/apt")
}

// locals is what was found below the configured folders.
type locals struct {
	files []localFile
	links map[string]string // of /etc/systemd/system: what is enabled and masked, path to target
}

// readLocals reads which of the paths are files of the host's own: what stands there, whose it is, and what is in it.
func (r *reader) readLocals(ctx context.Context, paths []string) (locals, error) {
	slices.Sort(paths)
	paths = slices.Compact(paths)
	stats, texts := make([]*host.Stat, len(paths)), make([]*string, len(paths))
	owned, told := map[string]bool{}, false
	asks := []question{r.owners(owned, &told, paths)}
	for i, p := range paths {
		asks = append(asks, r.stat(&stats[i], "file", p), r.content(&texts[i], p))
	}
	if err := r.wave(ctx, asks...); err != nil {
		return locals{}, err
	}
	out := locals{links: map[string]string{}}
	for i, p := range paths {
		switch st := stats[i]; {
		case st == nil:
		case !told && st.Link == "" && st.Type == host.Regular:
			r.lost("file", p, errors.New("dpkg does not tell whether it is a package's"))
		case st.Link != "":
			out.links[p] = st.Link
		case st.Type != host.Regular || owned[p] || generated(p) || texts[i] == nil:
		default:
			out.files = append(out.files, localFile{p, *st, *texts[i]})
		}
	}
	return out, nil
}

// content reads a file that may be a folder or a link to nothing: then there is none.
func (r *reader) content(into **string, name string) question {
	return question{"file", name, func(ctx context.Context) error {
		text, err := r.ReadFile(ctx, name)
		if err != nil {
			if st, e := r.Stat(ctx, name); errors.Is(err, fs.ErrNotExist) || errors.Is(e, fs.ErrNotExist) || e == nil && st.Type != host.Regular {
				return nil
			}
			return err
		}
		s := string(text)
		*into = &s
		return nil
	}}
}

// owners asks dpkg which of the paths are a package's. Exit status 1 is that some are nobody's.
func (r *reader) owners(owned map[string]bool, told *bool, paths []string) question {
	return question{"files' packages", "dpkg-query", func(ctx context.Context) error {
		if *told = len(paths) == 0; *told {
			return nil
		}
		// dpkg takes * ? [ and backslash for a pattern.
		literal := strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`)
		argv := []string{"dpkg-query", "-S", "--"}
		for _, p := range paths {
			argv = append(argv, literal.Replace(p))
		}
		out, err := r.Query(ctx, argv...)
		if *told = errors.Is(err, host.ErrNoProgram) || err == nil && out.Exit <= 1; !*told {
			return cmp.Or(err, error(&host.ExitError{Argv: argv[:2], Exit: out.Exit, Stderr: out.Stderr}))
		}
		for line := range strings.Lines(string(out.Stdout)) {
			if who, p, ok := strings.Cut(strings.TrimSuffix(line, "\n"), ": "); ok && !strings.HasPrefix(who, "diversion by") {
				owned[p] = true
			}
		}
		return nil
	}}
}

// tellable tells whether content can stand in a plan; why says what is against it.
func (f localFile) tellable() (why string) {
	switch {
	case len(f.text) > maxFile:
		return fmt.Sprintf("%d bytes are too many for a plan: keep it as a file beside the plan and write content = file(...)", len(f.text))
	case !utf8.ValidString(f.text) || strings.ContainsRune(f.text, 0):
		return "it is no text"
	case f.stat.Mode&0o004 == 0 && !within(f.path, "/etc/sudoers.d"):
		return "not everybody may read it, so it may hold a secret: write content = age(...) or file(...)"
	}
	return ""
}

// ansible tells a file that says that Ansible wrote it, or that looks as its modules write.
func (f localFile) ansible() bool {
	return strings.Contains(strings.ToLower(f.text), "ansible managed") || strings.Contains(f.text, "BEGIN ANSIBLE MANAGED BLOCK")
}

// secretive matches the assignment of what is likely a secret.
var secretive = regexp.MustCompile(`(?im)^[^#;\n]*\b\w*(passw(?:or)?d|passphrase|token|secret|api_?key|private_?key)\w*"?\s*[=:]`)

// warn says of content that may hold a secret although everybody on the host may read it: a plan goes to more people.
func (f localFile) warn(b *Block) {
	if secretive.MatchString(f.text) {
		b.note("it may hold a secret: look before this plan goes anywhere; age(...) keeps one out of it")
	}
}
