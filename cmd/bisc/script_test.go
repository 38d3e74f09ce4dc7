package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"bisc/cmd/bisc/view"
	"bisc/internal/lab"
)

// TestScripts is what a person types and sees where no host is needed.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{Dir: "testdata/script", Setup: atHome, Cmds: words(), RequireUniqueNames: true, UpdateScripts: *update})
}

// TestHostScripts is the same on a host of the lab, which a script has for itself while it runs: hosts.hcl calls it a.
// A script leaves nothing behind that another could meet: its files are below /srv/NAME or of its own names.
func TestHostScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{Dir: "testdata/host", Setup: withHost, Cmds: words(), RequireUniqueNames: true, UpdateScripts: *update})
}

// atHome gives a script a home of its own, without agent and without anything of this machine's user.
func atHome(env *testscript.Env) error {
	for name, value := range map[string]string{
		"HOME": filepath.Join(env.WorkDir, ".home"), "XDG_STATE_HOME": filepath.Join(env.WorkDir, ".state"),
		"SSH_AUTH_SOCK": "", "BISC_PLANS": "", "BISC_INVENTORY": "", "TZ": "UTC",
	} {
		env.Setenv(name, value)
	}
	return os.MkdirAll(filepath.Join(env.WorkDir, ".home"), 0o700)
}

func withHost(env *testscript.Env) error {
	if err := atHome(env); err != nil {
		return err
	}
	h, back, err := lend()
	if err != nil {
		return err
	}
	env.Defer(back)
	env.Values["host"] = h
	keys, err := pins(h)
	if err != nil {
		return err
	}
	env.Setenv("PORT", strconv.Itoa(h.Port()))
	env.Setenv("KEY", h.KeyFile())
	env.Setenv("KNOWN_HOSTS", h.KnownHosts())
	env.Setenv("BISC_INVENTORY", "hosts.hcl")
	return os.WriteFile(filepath.Join(env.WorkDir, "hosts.hcl"), []byte(hostBlock("a", h.Port(), "ops", keys, h.KeyFile())), 0o600)
}

// words are the commands of scripts beside testscript's own.
func words() map[string]func(ts *testscript.TestScript, neg bool, args []string) {
	return map[string]func(ts *testscript.TestScript, neg bool, args []string){
		"exits": exits, "onhost": onHostWord, "valid": valid, "replace": replace, "digest": digest, "truncate": truncate,
		"expandenv": expandEnv,
	}
}

// exits STATUS PROGRAM ARG... runs a program and insists on its exit status.
func exits(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	err = ts.Exec(args[1], args[2:]...)
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}

// onhost SCRIPT runs a script as root on the host, beside bisc.
func onHostWord(ts *testscript.TestScript, neg bool, args []string) {
	out, err := ts.Value("host").(*lab.Host).Shell(context.Background(), args[0])
	fmt.Fprint(ts.Stdout(), string(out))
	if (err != nil) != neg {
		ts.Fatalf("on the host: %v", err)
	}
}

// valid FILE holds a --json document against the schema that bisc ships.
func valid(ts *testscript.TestScript, neg bool, args []string) {
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(ts.ReadFile(args[0])))
	ts.Check(err)
	schema, err := jsonschema.UnmarshalJSON(bytes.NewReader(view.Schema()))
	ts.Check(err)
	c := jsonschema.NewCompiler()
	ts.Check(c.AddResource("schema.json", schema))
	s, err := c.Compile("schema.json")
	ts.Check(err)
	if err := s.Validate(doc); (err != nil) != neg {
		ts.Fatalf("%s: %v", args[0], err)
	}
}

// replace FILE OLD NEW changes the first place where OLD stands.
func replace(ts *testscript.TestScript, _ bool, args []string) {
	text := ts.ReadFile(args[0])
	if !strings.Contains(text, args[1]) {
		ts.Fatalf("%s has no %q", args[0], args[1])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.Replace(text, args[1], args[2], 1)), 0o600))
}

// truncate FILE N takes the last N bytes away.
func truncate(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	text := ts.ReadFile(args[0])
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text[:len(text)-n]), 0o600))
}

// digest VAR sets a variable to the round's digest that stdout ends with.
func digest(ts *testscript.TestScript, _ bool, args []string) {
	_, after, ok := strings.Cut(ts.ReadFile("stdout"), "\ndigest ")
	if !ok {
		ts.Fatalf("no digest in stdout")
	}
	ts.Setenv(args[0], strings.TrimSpace(after))
}

// expandenv FILE puts the values of $NAME and ${NAME} into a file.
func expandEnv(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(os.Expand(ts.ReadFile(args[0]), ts.Getenv)), 0o600))
}
