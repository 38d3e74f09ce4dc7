package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"bisc/modules/all"
	"bisc/plans"
)

// packages gives what each package of bisc imports itself, and all that it depends on.
func packages(t *testing.T) (imports, deps map[string][]string) {
	t.Helper()
	list := exec.CommandContext(t.Context(), "go", "list", "-f", `{{.ImportPath}} {{join .Imports ","}} {{join .Deps ","}}`, "bisc/...")
	var said strings.Builder
	list.Stderr = &said
	out, err := list.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, said.String())
	}
	imports, deps = map[string][]string{}, map[string][]string{}
	for _, line := range lines(string(out)) {
		f := strings.Split(line, " ")
		imports[f[0]], deps[f[0]] = strings.Split(f[1], ","), strings.Split(f[2], ",")
	}
	return imports, deps
}

// under tells whether a package is one of these, or below one that ends in /.
func under(pkg string, of ...string) bool {
	return slices.ContainsFunc(of, func(o string) bool {
		return pkg == strings.TrimSuffix(o, "/") || strings.HasSuffix(o, "/") && strings.HasPrefix(pkg, o)
	})
}

// allowed is what a package of bisc may import of bisc: DESIGN.md section 4. nil: anything.
func allowed(pkg string) (of []string, anything bool) {
	switch {
	case under(pkg, "bisc/cmd/bisc/figures"): // what the relay's daemons say, as data
		return []string{"bisc/internal/host", "bisc/internal/scrape"}, false
	case under(pkg, "bisc/cmd/bisc/view"):
		return []string{"bisc/cmd/bisc/figures", "bisc/discover", "bisc/layers", "bisc/modules", "bisc/internal/host"}, false
	case under(pkg, "bisc/cmd/", "bisc/internal/lab/", "bisc/bench/"):
		return nil, true
	case under(pkg, "bisc/discover"): // it reads a host as the kinds do, and writes what plans reads
		return []string{"bisc/plans", "bisc/inventory", "bisc/layers", "bisc/modules", "bisc/modules/facts", "bisc/modules/storage", "bisc/modules/systemd", "bisc/internal/host", "bisc/internal/source"}, false
	case under(pkg, "bisc/plans"):
		return []string{"bisc/layers", "bisc/modules", "bisc/modules/facts", "bisc/inventory", "bisc/internal/host", "bisc/internal/source", "bisc/internal/secret"}, false
	case under(pkg, "bisc/internal/secret"):
		return []string{"bisc/internal/source"}, false
	case under(pkg, "bisc/inventory"):
		return []string{"bisc/internal/host", "bisc/internal/source"}, false
	case under(pkg, "bisc/layers"):
		return []string{"bisc/modules", "bisc/internal/host"}, false
	case under(pkg, "bisc/modules/all"):
		return []string{"bisc/modules/", "bisc/internal/host"}, false
	case under(pkg, "bisc/modules/kindtest"):
		return []string{"bisc/modules", "bisc/internal/host/"}, false
	case under(pkg, "bisc/modules/relay"): // what it installs is in relaybin; its invariants read the daemons' metrics
		return []string{"bisc/modules/", "bisc/internal/host", "bisc/internal/scrape", "bisc/relaybin/"}, false
	case under(pkg, "bisc/modules/eos"): // a switch is planned from its configuration
		return []string{"bisc/modules/", "bisc/internal/host", "bisc/internal/eosconf"}, false
	case under(pkg, "bisc/modules/agave"): // snapshots are found and fetched by a program of ours on the host
		return []string{"bisc/modules/", "bisc/internal/host", "bisc/internal/scrape", "bisc/hostbin", "bisc/hostbin/", "bisc/relaybin/builds"}, false
	case under(pkg, "bisc/modules/"):
		return []string{"bisc/modules/", "bisc/internal/host"}, false
	case under(pkg, "bisc/internal/host/hosttest"):
		return []string{"bisc/internal/host", "bisc/modules"}, false
	case under(pkg, "bisc/internal/host/localhost"): // the agent's session is sshhost's
		return []string{"bisc/internal/host", "bisc/internal/host/sshhost", "bisc/internal/host/services/"}, false
	case under(pkg, "bisc/internal/host/services/"): // Kubernetes, docker and JSON-RPC over whatever dials on the host
		return []string{"bisc/internal/host", "bisc/internal/host/services/"}, false
	case under(pkg, "bisc/internal/host/eoshost"): // SSH is sshhost's; the device's diff is compared with the approved one
		return []string{"bisc/internal/host", "bisc/internal/host/sshhost", "bisc/internal/host/eoshost/", "bisc/internal/eosconf"}, false
	case under(pkg, "bisc/internal/host/eoshost/"): // eAPI, and what keeps goeapi from the user's files
		return []string{"bisc/internal/host", "bisc/internal/host/eoshost/"}, false
	case under(pkg, "bisc/internal/host/sshhost"):
		return []string{"bisc/internal/host", "bisc/internal/host/deadman", "bisc/internal/host/services/"}, false
	case under(pkg, "bisc/internal/host/"):
		return []string{"bisc/internal/host"}, false
	case under(pkg, "bisc/internal/journal"):
		return []string{"bisc/layers", "bisc/internal/host", "bisc/modules"}, false
	case under(pkg, "bisc/internal/faults"):
		return []string{"bisc/internal/lab/wire"}, false
	case under(pkg, "bisc/internal/faults/"):
		return []string{"bisc/internal/faults/"}, false
	case under(pkg, "bisc/internal/schedule"):
		return []string{}, false
	case pkg == "bisc/hostbin": // which embeds the builds; the programs themselves know nothing of them
		return []string{"bisc/relaybin/builds"}, false
	case under(pkg, "bisc/hostbin/"):
		return []string{"bisc/hostbin/"}, false
	case under(pkg, "bisc/relaybin/"):
		return []string{"bisc/relaybin/"}, false
	}
	return []string{}, false
}

// The arrows between packages are those of the design, and no other.
func TestArrows(t *testing.T) {
	t.Parallel()
	imports, _ := packages(t)
	seen := map[string]bool{}
	for pkg, of := range imports {
		may, anything := allowed(pkg)
		for _, imp := range of {
			if !strings.HasPrefix(imp, "bisc/") {
				continue
			}
			seen[pkg+" "+imp] = true
			if !anything && !under(imp, may...) {
				t.Errorf("%s imports %s: it may import %s", pkg, imp, strings.Join(may, ", "))
			}
		}
	}
	for _, arrow := range []string{"bisc/cmd/bisc bisc/plans", "bisc/plans bisc/layers", "bisc/layers bisc/modules", "bisc/modules bisc/internal/host", "bisc/internal/host/sshhost bisc/internal/host"} {
		if !seen[arrow] {
			t.Errorf("the arrow %s was not seen: does the test still read what go list says?", arrow)
		}
	}
}

// What decides knows no language and no network, so that it can be tested without either.
func TestThePureStayPure(t *testing.T) {
	t.Parallel()
	_, deps := packages(t)
	foreign := []string{"github.com/hashicorp/hcl/", "github.com/zclconf/", "golang.org/x/crypto/ssh", "golang.org/x/crypto/ssh/", "github.com/pkg/sftp", "net/http", "modernc.org/sqlite", "github.com/spf13/cobra", "bisc/internal/host/sshhost", "bisc/internal/lab/", "testing"}
	found := 0
	for pkg, of := range deps {
		pure := under(pkg, "bisc/layers", "bisc/modules/", "bisc/internal/host") && !under(pkg, "bisc/modules/kindtest")
		if !pure {
			continue
		}
		found++
		for _, dep := range of {
			if dep == "net/http" && slices.Contains(of, "bisc/internal/scrape") { // expfmt negotiates formats in it, and dials nobody
				continue
			}
			if under(dep, foreign...) {
				t.Errorf("%s depends on %s", pkg, dep)
			}
		}
	}
	if found < 8 {
		t.Errorf("only %d packages were looked at", found)
	}
}

// Every kind is one that the language can decode and its documentation describe.
func TestRegistry(t *testing.T) {
	t.Parallel()
	if err := plans.CheckRegistry(all.Registry()); err != nil {
		t.Error(err)
	}
}
