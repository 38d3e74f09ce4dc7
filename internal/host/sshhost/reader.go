package sshhost

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"

	"bisc/internal/host"
)

//go:embed reader.pl
var readerText string

// readerDrops are the agent's subs that write, or run what the far end brings; the reader has others in their place, or
// none.
func readerDrops() []string {
	return []string{"take", "request", "op_read", "sync_folder", "take_lock", "fenced", "told"}
}

// ReaderProgram is the program that a key's forced command runs on a host where it may look and do nothing else: the agent
// with a read-only list of its own, without its writing half. It takes no arguments.
func ReaderProgram() string {
	head, rest, ok := strings.Cut(readerText, "# --- agent ---\n")
	if !ok {
		panic("sshhost: reader.pl has lost its mark") // a programmer's mistake: every test of the reader meets it
	}
	body := stripPerl(head) + perlLists() + stripPerl(getText+dropSubs(agentText, readerDrops()...)+rest)
	return "#!/usr/bin/perl\n# bisc's reader: see bisc schedule key. Root's eyes, and no hands.\n" +
		"our $READER = '" + readerVersion(body) + "';\n" + body
}

// readerVersion tells one reader from another.
func readerVersion(body string) string {
	sum := sha256.Sum256([]byte(body))
	return hex.EncodeToString(sum[:6])
}

// ReaderVersion is what this bisc's reader calls itself.
func ReaderVersion() string {
	found := regexp.MustCompile(`\$READER = '([0-9a-f]+)'`).FindStringSubmatch(ReaderProgram())
	return found[1]
}

// dropSubs takes subs out of a Perl text: from "sub NAME" at a line's beginning to the brace at one, or that line alone.
// Their statements in the main loop that record what steps did have nothing to do in a reader, and go too.
func dropSubs(text string, names ...string) string {
	var out strings.Builder
	dropping := false
	for line := range strings.Lines(text) {
		if dropping {
			dropping = !strings.HasPrefix(line, "}")
			continue
		}
		if drops(line, names) {
			dropping = !strings.HasSuffix(strings.TrimSpace(line), "}")
			continue
		}
		out.WriteString(line)
	}
	return out.String()
}

func drops(line string, names []string) bool {
	for _, n := range names {
		if strings.HasPrefix(line, "sub "+n+" ") {
			return true
		}
	}
	return false
}

// perlLists writes the read-only list as Perl data.
func perlLists() string {
	var b strings.Builder
	b.WriteString("$QUERIES = {\n")
	for _, q := range host.Queries() {
		fmt.Fprintf(&b, "%s => { first => [%s], options => [%s], free => %d, device => %d, bare => %d },\n",
			perlString(q.Program), perlList(q.First), perlList(q.Options), digit(q.Free), digit(q.Device), digit(q.Bare))
	}
	b.WriteString("};\n$READINGS = {\n")
	for _, r := range host.Readings() {
		if r.Dials {
			continue
		}
		fmt.Fprintf(&b, "%s => { text => %s },\n", perlString(r.Name), perlString(r.Text))
	}
	socket := strings.ReplaceAll(regexp.QuoteMeta(host.PageSockets), `\*`, `[\w.-]+`)
	fmt.Fprintf(&b, "};\n$PAGES = { pages => [%s], sockets => qr{\\A%s\\z} };\n", perlList(host.Pages()), socket)
	return b.String()
}

func digit(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

func perlList(words []string) string {
	var out []string
	for _, w := range words {
		out = append(out, perlString(w))
	}
	return strings.Join(out, ", ")
}

// perlString quotes as Perl's single quotes want it: only the quote and the backslash mean something in them.
func perlString(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}

// ReaderSudoers lets a user run the reader as root, without arguments, and nothing else.
func ReaderSudoers(user, path string) string {
	return fmt.Sprintf("# bisc: %s may look at this host as root, and do nothing else. \"\" means: without arguments.\nDefaults!%s env_reset, !setenv, !requiretty\n%s ALL=(root) NOPASSWD: %s \"\"\n",
		user, path, user, path)
}

// ReaderAuthorizedKey is the line of authorized_keys that ties a key to the reader. sshd does nothing else for it: no shell,
// no other command, no forwarding, no terminal, no sftp.
func ReaderAuthorizedKey(publicKey, user, path string) string {
	command := "sudo -n " + path
	if user == "root" {
		command = path
	}
	return fmt.Sprintf("restrict,command=\"%s\" %s\n", command, strings.TrimSpace(publicKey))
}

// startReader begins to talk to a reader: sshd runs it whatever it is asked to run. There is nothing to fall back to.
func (c *channel) startReader() {
	ctx, cancel := context.WithTimeout(context.Background(), c.cfg.timeout())
	defer cancel()
	l, err := openLink(ctx, c.conn)
	if err != nil {
		c.fail(err)
		return
	}
	nonce := newNonce()
	a := newAgent(l, nonce, c.pool.pulse)
	a.greet, a.over = c.greet, c.lose
	a.early = func(err error) {
		c.mu.Lock()
		c.far = nil
		c.held = append(a.unanswered(), c.held...)
		c.mu.Unlock()
		c.fail(unreachable(c.cfg, "bisc's reader did not start there (%w): %s: bisc schedule key %s says what must be on the host", err, said(l), c.cfg.Name))
	}
	c.stats.add(func(s *Stats) { s.Execs++ })
	if err := l.exec("bisc-reader"); err != nil {
		c.fail(unreachable(c.cfg, "start the reader: %w", err))
		return
	}
	c.adopt(a)
	a.run([]byte("bisc-reader 1 " + nonce + "\n"))
	c.watchStart(a)
}
