package laconic

import (
	"errors"
	"strings"
	"testing"

	"bisc/internal/host"
	"bisc/internal/host/hosttest"
	"bisc/modules"
	"bisc/modules/kindtest"
)

const folder = "/srv/deployments/agave"

// wants fails unless the text has each part; "!" before one says that it must not.
func wants(t *testing.T, got string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if not, ok := strings.CutPrefix(p, "!"); ok == strings.Contains(got, not) {
			t.Errorf("want %q in\n%s", p, got)
		}
	}
}

// outcome is what a resource makes of a host, as text.
func outcome(t *testing.T, r modules.Resource, f *hosttest.Fake) string {
	t.Helper()
	if v, ok := r.(modules.Validator); ok {
		if err := v.Validate(); err != nil {
			return "error: " + err.Error()
		}
	}
	c, err := r.Plan(modules.WithDigestKey(t.Context(), []byte("a key for tests")), f)
	if err != nil {
		return "error: " + err.Error()
	}
	return kindtest.Print(c)
}

const rooted = `kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
nodes:
- role: control-plane
  extraMounts:
  - hostPath: /srv/deployments/agave/data/cluster-backups/laconic-1/etcd
    containerPath: /var/lib/etcd
    propagation: HostToContainer
  - hostPath: /srv/kind
    containerPath: /mnt
    propagation: HostToContainer
  extraPortMappings:
  - containerPort: 8899
    hostPort: 8899
  - containerPort: 8001
    hostPort: 8001
  - containerPort: 8001
    hostPort: 8001
    protocol: UDP
`

const volumes = `stack: /srv/stack
volumes:
  validator-ledger: /srv/kind/solana/ledger
  validator-log: /srv/kind/solana/log/
`

// single is the other form: a mount a volume.
var single = strings.ReplaceAll(strings.ReplaceAll(rooted, "hostPath: /srv/kind\n", "hostPath: /srv/kind/solana/ledger\n"), "containerPath: /mnt\n", "containerPath: /mnt/validator-ledger\n")

func configHost(config, spec string) *hosttest.Fake {
	f := hosttest.New("u1")
	f.Files[folder+"/kind-config.yml"], f.Files[folder+"/spec.yml"] = config, spec
	return f
}

func wantConfig(edit func(*KindConfig)) *KindConfig {
	k := KindConfigKind.New(folder + "/kind-config.yml").(*KindConfig)
	k.MountRoot = "/srv/kind"
	if edit != nil {
		edit(k)
	}
	return k
}

func TestKindConfigForms(t *testing.T) {
	one := func(k *KindConfig) { k.MountRoot = "" }
	for _, tt := range []struct {
		name, config, spec string
		edit               func(*KindConfig)
		wants              []string
	}{
		{"the root is mounted", rooted, volumes, nil, []string{"in sync"}},
		{"at another place", strings.Replace(rooted, "containerPath: /mnt", "containerPath: /data", 1), volumes, nil, []string{"mount_root: mounted at /data -> /srv/kind at /mnt", "ignores kind-mount-root", "!step"}},
		{"as wanted there", strings.Replace(rooted, "containerPath: /mnt", "containerPath: /data", 1), volumes, func(k *KindConfig) { k.MountAt = "/data" }, []string{"in sync"}},
		{"each volume on its own", single, volumes, nil, []string{"mount_root: not mounted -> /srv/kind at /mnt", "volumes[validator-ledger]: /srv/kind/solana/ledger is mounted on its own"}},
		{"each on its own is wanted", single, volumes, one, []string{"volumes[validator-log]: not mounted -> /srv/kind/solana/log", "!validator-ledger"}},
		{"a volume elsewhere", rooted, volumes + "  more: /var/more\n", nil, []string{"volumes[more]: not mounted -> /var/more"}},
		{"another specification", rooted, "volumes: {}\n", func(k *KindConfig) { k.Spec = "/etc/other.yml" }, []string{"volumes[x]: not mounted -> /var/x"}},
		{"no nodes", "kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\n", volumes, nil, []string{"nodes: 0 -> 1", "!mount_root"}},
		{"no propagation", strings.Replace(rooted, "containerPath: /mnt\n    propagation: HostToContainer", "containerPath: /mnt", 1), volumes, nil, []string{"propagation[/mnt]: (none) -> HostToContainer", "another cluster", "!/var/lib/etcd"}},
		{"another is wanted", rooted, volumes, func(k *KindConfig) { k.Propagation = "Bidirectional" }, []string{"propagation[/mnt]: HostToContainer -> Bidirectional", "propagation[/var/lib/etcd]"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := configHost(tt.config, tt.spec)
			f.Files["/etc/other.yml"] = "volumes:\n  x: /var/x\n"
			wants(t, outcome(t, wantConfig(tt.edit), f), append(tt.wants, "!step:")...)
		})
	}
}

// laconic-so compares letters: a volume in /srv/kind2 gets no mount, and the pod writes into the node's own layer.
func TestKindConfigPrefixIsNotAFolder(t *testing.T) {
	got := outcome(t, wantConfig(nil), configHost(rooted, volumes+"  trap: /srv/kind2/x\n"))
	wants(t, got, "volumes[trap]: /srv/kind2/x -> under /srv/kind/ or elsewhere", "compares letters", "!validator-ledger")
	wants(t, outcome(t, wantConfig(nil), configHost(strings.Replace(rooted, "hostPath: /srv/kind\n", "hostPath: /srv/kind2\n", 1), volumes)), "mount_root: not mounted")
}

// 8001 and 8001/udp in a specification became 8001 twice (biscayne.md 3.4): docker refuses it, after ten minutes.
func TestKindConfigDuplicatePort(t *testing.T) {
	got := outcome(t, wantConfig(nil), configHost(rooted+"  - containerPort: 8001\n    hostPort: 8001\n    protocol: udp\n", volumes))
	wants(t, got, "ports: the node's 8001/udp twice -> once", "ports: the host's 8001/udp twice", "!8001/tcp")
}

// Incident 9 to 11: what runs is what counts, and it is older than the file.
func TestIncident11_NodeOlderThanItsConfig(t *testing.T) {
	f := configHost(rooted, volumes)
	live := func(k *KindConfig) { k.Node = "n" }
	box := func(mounts, ports string) {
		f.Dockers["docker container n"] = `{"Name":"/n","HostConfig":{"PortBindings":{` + ports + `}},"Mounts":[` + mounts + `]}`
	}
	const etcd = `{"Type":"bind","Source":"/srv/deployments/agave/data/cluster-backups/laconic-1/etcd","Destination":"/var/lib/etcd","Propagation":"rslave","RW":true},
		{"Type":"bind","Source":"/lib/modules","Destination":"/lib/modules","RW":false},{"Type":"volume","Source":"/var/lib/docker/volumes/x","Destination":"/var","RW":true},`
	const mnt = `{"Type":"bind","Source":"/srv/kind","Destination":"/mnt","Propagation":"rslave","RW":true}`
	const ports = `"8899/tcp":[{"HostPort":"8899"}],"8001/tcp":[{"HostPort":"8001"}],"8001/udp":[{"HostPort":"8001"}],"6443/tcp":[{"HostPort":"1"}]`
	box(etcd+mnt, ports)
	wants(t, outcome(t, wantConfig(live), f), "in sync")
	box(etcd+strings.Replace(mnt, "rslave", "", 1), strings.Replace(ports, "8001/udp", "8002/udp", 1))
	wants(t, outcome(t, wantConfig(live), f), "node[/mnt]: /srv/kind:/mnt:rprivate -> /srv/kind:/mnt:rslave", "node[8001/udp]: not published -> published", "changed since the cluster was made", "!step")
	box(etcd+strings.Replace(mnt, `"/mnt"`, `"/mnt/validator-ledger"`, 1), ports)
	wants(t, outcome(t, wantConfig(live), f), "node[/mnt]: (none) -> ", "node[/mnt/validator-ledger]: /srv/kind:/mnt/validator-ledger:rslave -> (none)", "!/lib/modules", "!/var/lib/docker")
	f.Dockers["docker container n"] = ""
	wants(t, outcome(t, wantConfig(live), f), "in sync") // that there is none is kind_node's to say
	f.Errors["docker container n"] = host.ErrNotListening
	wants(t, outcome(t, wantConfig(live), f), "error: ask docker")
}

func TestKindConfigUnreadable(t *testing.T) {
	f := configHost("", volumes)
	wants(t, outcome(t, wantConfig(nil), f), "error:", "no Cluster of kind.x-k8s.io")
	f.Files[folder+"/kind-config.yml"] = "a: [\n"
	wants(t, outcome(t, wantConfig(nil), f), "error: kind's configuration "+folder+"/kind-config.yml")
	f.Errors["read "+folder+"/spec.yml"] = host.ErrStuck
	wants(t, outcome(t, wantConfig(nil), f), "error:", "the specification "+folder+"/spec.yml")
	f = configHost("", volumes)
	delete(f.Files, folder+"/kind-config.yml")
	f.Missing[folder+"/kind-config.yml"] = true
	wants(t, outcome(t, wantConfig(nil), f), "file: (none) -> "+folder+"/kind-config.yml")
}

func TestKindConfigValidate(t *testing.T) {
	for attr, edit := range map[string]func(*KindConfig){
		"":            func(k *KindConfig) { k.Path = "kind-config.yml" },
		"mount_root":  func(k *KindConfig) { k.MountRoot = "/srv/kind/" },
		"mount_at":    func(k *KindConfig) { k.MountAt = "mnt" },
		"spec":        func(k *KindConfig) { k.Spec = "spec.yml" },
		"propagation": func(k *KindConfig) { k.Propagation = "rslave" },
	} {
		var fault *modules.AttrError
		if err := wantConfig(edit).Validate(); !errors.As(err, &fault) || fault.Attr != attr {
			t.Errorf("%s: %v", attr, err)
		}
	}
}
