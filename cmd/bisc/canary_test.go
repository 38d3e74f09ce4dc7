package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"filippo.io/age"
	"github.com/spf13/cobra"

	"bisc/internal/host"
)

// canary is a secret that no text holds by chance, with characters that every encoding writes in another way.
func canary(of string) string { return "kanari-" + of + `-"é'&<x>%\` + "/+ " + of + "-vogel" }

// traces are the forms in which a canary could be written: as it is, and as each encoding has it.
func traces(of string) map[string]string {
	secret := canary(of)
	out := map[string]string{
		"plain": secret, "URL": url.QueryEscape(secret), "path": url.PathEscape(secret), "hex": hex.EncodeToString([]byte(secret)),
		"Go": strings.Trim(strconv.Quote(secret), `"`), "ASCII": strings.Trim(strconv.QuoteToASCII(secret), `"`), "shell": strings.Trim(host.Quote(secret), "'"),
		"begin": "kanari-" + of, "end": of + "-vogel", "upper": strings.ToUpper("kanari-" + of),
	}
	var loose, strict bytes.Buffer
	e := json.NewEncoder(&loose)
	e.SetEscapeHTML(false)
	_ = e.Encode(secret) // a string is JSON
	_ = json.NewEncoder(&strict).Encode(secret)
	out["JSON"], out["JSON for HTML"] = strings.Trim(strings.TrimSpace(loose.String()), `"`), strings.Trim(strings.TrimSpace(strict.String()), `"`)
	for shift := range 3 { // base64 has three forms, by where the secret begins
		text := base64.StdEncoding.EncodeToString([]byte("xx"[:shift] + secret))
		out[fmt.Sprint("base64 at ", shift)] = text[4 : len(text)-8]
	}
	return out
}

// sources are where the canaries come from.
var canarySources = []string{"age", "cmd", "env", "file", "vars", "sudo", "made"}

// leak fails the test where a text holds a canary in any form.
func leak(t *testing.T, where string, text []byte, sources ...string) {
	t.Helper()
	for _, of := range sources {
		for form, trace := range traces(of) {
			if i := bytes.Index(text, []byte(trace)); i >= 0 {
				t.Errorf("%s: the canary %s, %s: ...%.200q", where, of, form, text[max(0, i-80):])
			}
		}
	}
}

// The forms find a canary in what the encodings really write.
func TestTraces(t *testing.T) {
	found := func(text []byte) (n int) {
		for _, trace := range traces("age") {
			if bytes.Contains(text, []byte(trace)) {
				n++
			}
		}
		return n
	}
	secret := canary("age")
	for shift := range 5 {
		if found([]byte(base64.StdEncoding.EncodeToString([]byte("abcdefg"[:shift]+secret+"tail")))) == 0 {
			t.Errorf("not found in base64 behind %d bytes", shift)
		}
	}
	quoted, _ := json.Marshal(map[string]string{"x": "a" + secret + "b"})
	for _, text := range []string{string(quoted), fmt.Sprintf("%q", secret), fmt.Sprintf("%+q", secret), host.Quote(secret), url.QueryEscape(secret), fmt.Sprintf("%x", secret)} {
		if found([]byte(text)) == 0 {
			t.Errorf("not found in %s", text)
		}
	}
	if found([]byte("kanari kanari-ag vogel")) != 0 {
		t.Error("found where it is not")
	}
}

const canaryPlan = `variable "vars" {
  type      = string
  sensitive = true
}
locals {
  env  = sensitive(env("CANARY_ENV"))
  made = sensitive(jsondecode(file("made.json")).a["b"])
}
layer "units" {
  on = "a"
  command "watch" {
    unless = ["sh", "-c", "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ >>/root/seen 2>/dev/null; test -e /root/watched"]
    argv   = ["sh", "-c", "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ >>/root/seen 2>/dev/null; touch /root/watched"]
  }
  file "/srv/canary/all" {
    content = "${age("secret.age")}\n${cmd(["./vault"])}\n${local.env}\n${sensitive(file("secret.txt"))}\n${var.vars}\n${local.made}\n"
    mode    = "0600"
  }
  file "/srv/canary/made" {
    content = templatefile("t.tmpl", { secret = cmd(["./vault"]), list = [for x in ["a", "b"] : "${x}${var.vars}"] })
  }
  file "/srv/canary/no-such-folder/fails" {
    content = local.env
  }
  invariant "it is there" {
    because = "a"
    file "/srv/canary/all" {
      content = "${age("secret.age")} other"
    }
  }
}
runbook "mark" {
  layer   = "units"
  assumes = []
  stage "write it" {
    on = "a"
    file "/srv/canary/mark" {
      content = "${run.id} ${local.env} ${cmd(["./vault"])}\n"
    }
  }
}
`

// canaryDesk is a desk whose plan has a secret from every source, for a host whose sudo wants one too.
func canaryDesk(t *testing.T) (*desk, string) {
	t.Helper()
	h := ownHost(t)
	onHost(t, h, `mkdir /srv/canary; echo "pw:$1" | chpasswd`, canary("sudo"))
	d := newDesk(t)
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	var box bytes.Buffer
	w, err := age.Encrypt(&box, identity.Recipient())
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.Write([]byte(canary("age")))
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	// The program looks, while bisc is at work, at every process of the machine but bisc itself, which was given one canary.
	vault := "#!/bin/sh\nfor p in /proc/[0-9]*; do [ $p = /proc/$PPID ] || cat $p/cmdline $p/environ 2>/dev/null; done >>seen\ncat \"$1.secret\"\n"
	made, err := json.Marshal(map[string]any{"a": map[string]string{"b": canary("made")}})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"plan.bisc.hcl": canaryPlan, "key.txt": identity.String() + "\n", "secret.age": box.String(), "secret.txt": canary("file"), "made.json": string(made),
		"t.tmpl": "a ${secret} ${join(\",\", list)} é", ".secret": canary("cmd"), "sudo.secret": canary("sudo"), "v.hcl": "vars = " + literal(canary("vars")) + "\n", "vault": vault,
		"hosts.hcl": hostBlock("a", h.Port(), "pw", pinsOf(t, h), h.KeyFile(), `become_password_cmd = ["./vault", "sudo"]`),
	} {
		d.write(t, name, text)
	}
	if err := os.Chmod(filepath.Join(d.dir, "vault"), 0o755); err != nil {
		t.Fatal(err)
	}
	d.env = append(d.env, "CANARY_ENV="+canary("env"), "BISC_AGE_IDENTITY=key.txt")
	return d, h.Root()
}

// canaryRuns are the ways in which every verb is run. A verb that is not here fails the test: say how it could tell a
// secret.
func canaryRuns(run string) map[string][][]string {
	all := "a:units.file[/srv/canary/all]"
	return map[string][][]string{
		"validate": {{}, {"--json"}}, "fmt": {{"--check"}}, "graph": {{}, {"--format", "dot"}, {"--format", "json"}}, "guards": {{}}, "schema": {{}}, "schema discover": {{}}, "version": {{}},
		"explain":      {{all}, {"a:units.file[/srv/canary/made]"}, {"a:units.command[watch]"}, {`a:units.invariant["it is there"]`}},
		"plan":         {{"-v", "--stats"}, {"--wire", "-v"}, {"--json"}, {"--json", "--wire"}, {"--out", "plan.file"}, {"--target", all}},
		"apply":        {{"plan.file"}, {"--auto-approve", "-v", "--stats", "--until-clean"}, {"--auto-approve", "--json"}},
		"run":          {{"mark", "--plan"}, {"mark", "--auto-approve"}},
		"check":        {{"--format", "text", "-v"}, {"--format", "json"}, {"--format", "junit"}, {"--format", "tap"}, {"--format", "prometheus"}, {"--format", "nagios"}},
		"drift":        {{"-v"}, {"--json"}, {"--record"}},
		"drift accept": {{all, "--because", "b", "--until", "2h"}, {"--list"}}, "history": {{}, {all}, {"--json"}, {all, "--json"}},
		"hosts": {{}, {"--explain"}, {"--explain", "--json"}, {"--probe"}, {"--probe", "--json"}}, "eos": {{}}, "eos diff": {{}, {"a"}}, "eos sessions": {{}, {"a"}}, "eos probe": {{}, {"a"}}, "who": {{}, {"--json"}}, "hold": {{}}, "hold set": {{"a", "--match", "*all*", "--because", "b"}}, "hold show": {{}, {"--json"}}, "hold release": {{"a"}},
		"journal": {{}, {"--json"}}, "journal show": {{run}, {run, "--json"}}, "discover": {{"a", "--plans", "."}, {"a", "--json", "--plans", "."}}, // without a plan nobody says what is secret
		"schedule": {{}}, "schedule install": {{}}, "schedule show": {{}}, "schedule remove": {{}}, "schedule key": {{"a"}},
		"snapshot": {{}}, "snapshot find": {{"a"}, {"a", "--json", "--detach", "--cluster-rpc", "http://127.0.0.1:1"}}, "snapshot fetch": {{"a"}, {"a", "--into", "/srv/canary", "--detach", "--cluster-rpc", "http://127.0.0.1:1"}}, "snapshot prune": {{"a", "/srv/canary"}, {"a", "/srv/canary", "--json"}},
		"status": {{}, {"--json"}}, "relay": {{}}, "relay list": {{}, {"--json"}}, "relay top": {{"--once"}, {"--once", "--json", "--url", "http://127.0.0.1:1/metrics"}}, "relay mark": {{"--to", "127.0.0.1:9"}}, "relay alerts": {{}, {"--install", "."}}, "relay dashboard": {{}, {"--install", "."}}, "relay extract": {{"shredmeter", "."}}, "image": {{}}, "image build": {{"lab/x:1", "--source", ".", "--commit", "0123456789abcdef0123456789abcdef01234567", "--file", "no-such"}}, "image show": {{"no-such"}}, "completion": {{"bash"}, {"zsh"}, {"fish"}}, "__line": {{"bisc explain a:", " "}, {"bisc plan --set ", " "}}, "help": {{"plan"}},
	}
}

// verbs are the paths of all commands, hidden ones too.
func verbs(cmd *cobra.Command) []string {
	var out []string
	for _, inner := range cmd.Commands() {
		path := strings.TrimPrefix(inner.CommandPath(), "bisc ")
		out = append(append(out, path), verbs(inner)...)
	}
	return out
}

// canaryOrder is the order of those verbs that leave something for others to tell; the rest follows.
var canaryOrder = []string{"plan", "apply", "drift", "check", "drift accept", "history", "hold set", "hold show", "hold release"}

// No byte that any verb writes, in any format, to the terminal, into a plan file, into the journal, into a host's logs or
// into a process's arguments or environment, is a secret in any form. Only the files that were to have it have it.
func TestFaultF38_NoVerbTellsASecret(t *testing.T) {
	t.Parallel()
	d, root := canaryDesk(t)
	stop, watched := watchProcesses(t)
	runs, done := canaryRuns("?"), map[string]bool{}
	all := append([]string(nil), canaryOrder...)
	for _, v := range verbs((&command{}).root()) {
		if runs[v] == nil {
			t.Errorf("bisc %s is not in this test's table", v)
		}
		all = append(all, v)
	}
	for _, v := range all {
		if done[v] || runs[v] == nil {
			continue
		}
		done[v] = true
		if strings.HasPrefix(v, "journal") {
			runs = canaryRuns(d.run(t))
		}
		for _, args := range runs[v] {
			line := append(strings.Fields(v), args...)
			e := d.bisc(t, append(line, "--var-file", "v.hcl")...)
			leak(t, fmt.Sprint(line), []byte(e.all()), canarySources...)
			if v == "plan" && e.status != 2 && args[0] == "-v" { // else nothing was at stake
				t.Fatalf("%v: exit %d\n%s", line, e.status, e.all())
			}
		}
	}
	stop()
	if *watched == 0 {
		t.Error("no process was watched")
	}
	if have := exactly(t, rooted(root), "/srv/canary/all"); strings.Count(have, "kanari-") != 6 {
		t.Errorf("the file got %q", have)
	}
	if seen := exactly(t, rooted(root), "/root/seen"); !strings.Contains(seen, "sudo") {
		t.Error("the host's processes were not looked at")
	}
	searchDesk(t, d)
	searchHost(t, root)
}

type rooted string

func (r rooted) Root() string { return string(r) }

// searchDesk looks through everything that lies at the desk but what the test put there: plan files, the journal, what the
// programs saw.
func searchDesk(t *testing.T, d *desk) {
	t.Helper()
	own := map[string]bool{"plan.bisc.hcl": true, "secret.txt": true, "made.json": true, ".secret": true, "sudo.secret": true, "v.hcl": true}
	found := map[string]bool{}
	err := filepath.WalkDir(d.dir, func(name string, e fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(d.dir, name)
		if err != nil || e.IsDir() || !e.Type().IsRegular() || own[rel] {
			return err
		}
		found[filepath.Base(name)] = true
		text, err := os.ReadFile(name)
		leak(t, rel, text, canarySources...)
		return err
	})
	if err != nil || !found["journal.db"] || !found["plan.file"] || !found["seen"] {
		t.Errorf("%v; only these were searched: %v", err, found)
	}
}

// searchHost looks through the logs, the temporary folders, bisc's own folders and what the host's processes were given.
func searchHost(t *testing.T, root string) {
	t.Helper()
	files := 0
	for _, dir := range []string{"var/log", "run", "tmp", "var/tmp", "home", "root", "var/lib/bisc", "etc"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(name string, e fs.DirEntry, err error) error {
			if err != nil || !e.Type().IsRegular() || e.Name() == "shadow" || strings.Contains(name, "/kept/") { // a kept copy is the file itself, for root only
				return nil // files go while the host lives
			}
			if text, err := os.ReadFile(name); err == nil {
				files++
				leak(t, name, text, canarySources...)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
	if files < 20 {
		t.Errorf("only %d files of the host were searched", files)
	}
}

// watchProcesses reads the arguments of every process of the machine, those of lab hosts among them, again and again, and
// the environments of those that are not bisc.
func watchProcesses(t *testing.T) (stop func(), looked *int) {
	t.Helper()
	end, n := make(chan struct{}), 0
	var all sync.WaitGroup
	all.Go(func() {
		for {
			select {
			case <-end:
				return
			default:
			}
			names, _ := filepath.Glob("/proc/[0-9]*/cmdline")
			for _, name := range names {
				if text, err := os.ReadFile(name); err == nil {
					n++
					leak(t, name, text, canarySources...)
				}
			}
		}
	})
	return sync.OnceFunc(func() { close(end); all.Wait() }), &n
}

// Faults in a plan and in what secrets are made of tell nothing of them either.
func TestFaultF38_FaultsTellNoSecret(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.env = append(d.env, "CANARY_ENV="+canary("word"))
	d.write(t, "hosts.hcl", "host \"a\" {\n  platform = \"linux\"\n  address = \"127.0.0.1\"\n  port = 1\n  ssh_config = false\n}\n")
	d.write(t, "vault", "#!/bin/sh\nprintf '%s' \"$0\" >&2; cat s; cat s >&2; exit 1\n")
	d.write(t, "s", canary("cmd"))
	if err := os.Chmod(filepath.Join(d.dir, "vault"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, content := range []string{
		`cmd(["./vault"])`, `tonumber(sensitive(env("CANARY_ENV")))`, `sensitive(env("CANARY_ENV")).x`, `jsondecode(sensitive(env("CANARY_ENV")))`, `{ a = 1 }[sensitive(env("CANARY_ENV"))]`,
		`file(sensitive(env("CANARY_ENV")))`, `cmd(["echo", sensitive(env("CANARY_ENV"))])`, `regex(sensitive(env("CANARY_ENV")), "x")`, `format("%d", sensitive(env("CANARY_ENV")))`, `[sensitive(env("CANARY_ENV"))]`,
	} {
		for _, attr := range []string{"content", "mode", "label", "when", "for_each"} {
			label := ` "/x"`
			if attr == "label" || attr == "for_each" {
				label = ""
			}
			d.write(t, "plan.bisc.hcl", fmt.Sprintf("layer \"units\" {\n  on = \"a\"\n  file%s {\n    %s = %s\n  }\n}\n", label, attr, content))
			for _, args := range [][]string{{"plan"}, {"validate"}, {"validate", "--json"}, {"explain", "a:units.file[/x]"}, {"apply", "--auto-approve"}} {
				e := d.bisc(t, args...)
				leak(t, fmt.Sprint(args, attr, content), []byte(e.all()), "word", "cmd")
				if e.status == 0 && attr != "content" {
					t.Errorf("%v, %s = %s: exit 0", args, attr, content)
				}
			}
		}
	}
}

// bisc that breaks down leaves no core file: the kernel writes none of a process that is not dumpable.
func TestFaultF38_NoCoreFile(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.write(t, "hosts.hcl", completionHosts)
	d.write(t, "plan.bisc.hcl", "layer \"units\" {\n  on = \"alpha\"\n  file \"/x\" {\n    content = cmd([\"sh\", \"-c\", \"stat -c %u /proc/$PPID/environ /proc/$$/environ >owners; exit 1\"])\n  }\n}\n")
	if err := os.Chmod(d.dir, 0o777); err != nil {
		t.Fatal(err)
	}
	// As an ordinary user: what is not dumpable belongs to root in /proc, and what bisc starts is dumpable again.
	program, err := exec.LookPath("bisc")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(d.dir, "bisc"), text, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := d.command(t, "plan")
	cmd.Path = filepath.Join(d.dir, "bisc") // that user may not reach the test's own
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	for _, dir := range []string{d.dir, filepath.Dir(d.dir)} {
		if err := os.Chmod(dir, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"hosts.hcl", "plan.bisc.hcl"} {
		if err := os.Chmod(filepath.Join(d.dir, name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	out, _ := cmd.CombinedOutput() // the program fails on purpose
	owners, err := os.ReadFile(filepath.Join(d.dir, "owners"))
	if err != nil || string(owners) != "0\n65534\n" {
		t.Errorf("%v: the environments of bisc and of its program belong to %q, want root and the user\n%s", err, owners, out)
	}
}
