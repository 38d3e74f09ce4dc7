package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/crypto/ssh"

	"bisc/cmd/bisc/view"
	"bisc/internal/host"
	"bisc/internal/host/sshhost"
	"bisc/inventory"
)

// Where the reader is on a host, and the account whose only key it is tied to.
const (
	readerName = "bisc-reader"
	readerPath = "/usr/local/lib/bisc/reader"
)

// readerLogin is the key that can do nothing but look, where one is used.
type readerLogin struct{ key, user string }

// use logs in with that key and no other, on the way too: a scheduled run has no agent, and must not have one.
func (r readerLogin) use(cfg *sshhost.Config) {
	only := func(c *sshhost.Config) {
		c.Identities, c.IdentitiesOnly, c.AgentSocket, c.AgentKey = []string{r.key}, true, "none", ""
	}
	only(cfg)
	cfg.Reader, cfg.User, cfg.Become = true, r.user, sshhost.Sudo
	if r.user == "root" {
		cfg.Become = sshhost.BecomeNone
	}
	for hop := cfg.Jump; hop != nil; hop = hop.Jump {
		only(hop)
	}
}

func (c *command) scheduleKey() *cobra.Command {
	var key, out string
	var uid int
	cmd := &cobra.Command{
		Use:   "key HOST",
		Short: "make a key that can do nothing but look, and print what must be on the host for it",
		Long: "The key is tied to a program on the host, the reader: bisc's agent without its writing half, with the list of what it may\n" +
			"ask of its own. sshd runs that for this key and nothing else; sudo lets the key's account run that and nothing else.\n" +
			"What must be on the host is a piece of plan, which you read, and apply with a key that may. The reader gives no private\n" +
			"keys out; other files that root can read it can read. A command's unless is not run over it.",
		Example: "  bisc schedule key biscayne --out plan/\n  bisc apply --plans plan/\n  bisc drift --reader ~/.local/state/bisc/reader_ed25519",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := c.readOver(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if key == "" {
				dir, err := stateDir()
				if err != nil {
					return err
				}
				key = filepath.Join(dir, "reader_ed25519")
			}
			public, err := readerKey(key)
			if err != nil {
				return err
			}
			return c.printReader(d, key, public, out, uid)
		},
		ValidArgsFunction: c.completeHosts,
	}
	cmd.Flags().StringVar(&key, "key", "", "the private key's file, made where it is missing (default: reader_ed25519 in bisc's own folder)")
	cmd.Flags().StringVar(&out, "out", "", "write the piece of plan and the reader into this folder instead of printing the plan")
	cmd.Flags().IntVar(&uid, "uid", 20940, "the number of the account "+readerName+" on the host")
	return cmd
}

// readOver is how a host is reached that a key is for.
func (c *command) readOver(ctx context.Context, name string) (inventory.Decision, error) {
	l, err := c.load()
	if err != nil {
		return inventory.Decision{}, err
	}
	h, ok := l.inv.Lookup(name)
	if !ok {
		return inventory.Decision{}, fmt.Errorf("%q is not in the inventory; bisc hosts lists it", name)
	}
	if h.Platform != host.Linux || h.Local {
		return inventory.Decision{}, fmt.Errorf("%s needs no key: it is a switch, or the machine that bisc runs on", h.Name)
	}
	return inventory.Decide(ctx, l.inv, h, resolver())
}

// readerKey gives a key's public half as a line of authorized_keys; the key is made where there is none.
func readerKey(name string) (string, error) {
	b, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		b, err = makeReaderKey(name)
	}
	if err != nil {
		return "", fmt.Errorf("the reader's key: %w", err)
	}
	signer, err := ssh.ParsePrivateKey(b)
	if err != nil {
		return "", fmt.Errorf("the reader's key %s (it must have no passphrase: nobody is there to type one): %w", name, err)
	}
	machine, _ := os.Hostname()
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey()))) + " bisc-reader@" + machine, nil
}

// makeReaderKey writes an ed25519 key that only its owner can read. Of two that are made at once one wins.
func makeReaderKey(name string) ([]byte, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	block, err := ssh.MarshalPrivateKey(private, "bisc-reader")
	if err != nil {
		return nil, err
	}
	text := pem.EncodeToMemory(block)
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return os.ReadFile(name)
	}
	if err != nil {
		return nil, err
	}
	_, err = f.Write(text)
	return text, errors.Join(err, f.Sync(), f.Close())
}

// printReader writes what must be on the host. With a folder the reader lies beside the plan; else the plan names the file
// that --out would write.
func (c *command) printReader(d inventory.Decision, key, public, out string, uid int) error {
	plan := readerPlan(d.Host, public, uid)
	fmt.Fprintf(c.errs, "bisc: the key is %s (reader %s)\n", key, sshhost.ReaderVersion())
	for i, via := range d.Via {
		fmt.Fprintf(c.errs, "bisc: on the jump host %s, in the authorized_keys of %s:\n%s\n", view.Clean(via.Host), view.Clean(via.User), view.Clean(passKey(d, i, public)))
	}
	if out == "" {
		fmt.Fprint(c.out, plan)
		return nil
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	for name, text := range map[string]string{"bisc-reader.pl": sshhost.ReaderProgram(), "bisc-reader-" + d.Host + ".bisc.hcl": plan} {
		file := filepath.Join(out, name)
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			return fmt.Errorf("writing the reader's plan: %w", err)
		}
		fmt.Fprintf(c.out, "wrote %s\n", file)
	}
	fmt.Fprintf(c.out, "read them, then: bisc apply --plans %s --host %s\n", out, d.Host)
	return nil
}

// passKey is the line of authorized_keys with which the jump host at a place of the chain passes the key on to whoever is
// next, and to nobody else. sshd has no word for "listen nowhere": port 1 is one that no ordinary user can have.
func passKey(d inventory.Decision, at int, public string) string {
	next := d
	if at+1 < len(d.Via) {
		next = d.Via[at+1]
	}
	return fmt.Sprintf("restrict,port-forwarding,permitopen=%q,permitlisten=\"localhost:1\",command=\"/bin/false\" %s",
		net.JoinHostPort(next.Address, strconv.Itoa(next.Port)), public)
}

// readerPlan is the piece of plan that makes a key look and do nothing else: an account that owns none of these files, so
// that not even itself could change what binds it.
func readerPlan(name, public string, uid int) string {
	home := "/var/lib/" + readerName
	file := func(path, mode, content string) string {
		return fmt.Sprintf("  file %q {\n    content = %s\n    mode    = %q\n  }\n", path, content, mode)
	}
	directory := func(path string) string {
		return fmt.Sprintf("  directory %q {\n    owner = 0\n    group = 0\n    mode  = \"0755\"\n  }\n", path)
	}
	return "# What must be on " + name + " for the key of bisc's reader (bisc schedule key). It can look, and do nothing else.\nlayer \"units\" {\n" +
		fmt.Sprintf("  on = %q\n\n  user %q {\n    uid    = %d\n    home   = %q\n    shell  = \"/bin/sh\"\n    system = true\n  }\n", name, readerName, uid, home) +
		directory("/usr/local/lib/bisc") + file(readerPath, "0755", `file("bisc-reader.pl")`) +
		file("/etc/sudoers.d/bisc-reader", "0440", hclText(sshhost.ReaderSudoers(readerName, readerPath))) +
		directory(home) + directory(home+"/.ssh") +
		file(home+"/.ssh/authorized_keys", "0644", hclText(sshhost.ReaderAuthorizedKey(public, readerName, readerPath))) + "}\n"
}

// hclText is a text as a quoted string of HCL, in which ${ and %{ begin something.
func hclText(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "${", "$${", "%{", "%%{").Replace(s) + `"`
}
