package laconic

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"
)

// spec is a specification: the part that the objects follow from (biscayne.md 3.2).
type spec struct {
	Stack         string `yaml:"stack"`
	DeployTo      string `yaml:"deploy-to"`
	KindMountRoot string `yaml:"kind-mount-root"`
	Replicas      *int   `yaml:"replicas"`
	Network       struct {
		Ports     map[string][]string `yaml:"ports"`
		HTTPProxy []struct {
			Host   string `yaml:"host-name"`
			Routes []struct {
				Path    string `yaml:"path"`
				ProxyTo string `yaml:"proxy-to"`
			} `yaml:"routes"`
		} `yaml:"http-proxy"`
	} `yaml:"network"`
	Resources struct {
		Containers struct {
			Reservations map[string]string `yaml:"reservations"`
			Limits       map[string]string `yaml:"limits"`
		} `yaml:"containers"`
	} `yaml:"resources"`
	Security struct {
		Privileged       bool `yaml:"privileged"`
		UnlimitedMemlock bool `yaml:"unlimited-memlock"`
	} `yaml:"security"`
	Volumes yaml.Node `yaml:"volumes"`
	Config  yaml.Node `yaml:"config"`
}

// pairs are a mapping in the file's order, each value as Python's str has it: true is "True".
func pairs(n yaml.Node) (all [][2]string) {
	for i := 0; i+1 < len(n.Content); i += 2 {
		value := n.Content[i+1].Value
		if n.Content[i+1].Tag == "!!bool" {
			value = "False"
			if strings.EqualFold(n.Content[i+1].Value, "true") {
				value = "True"
			}
		}
		all = append(all, [2]string{n.Content[i].Value, value})
	}
	return all
}

func readSpec(file string) (s spec, text []byte, err error) {
	if text, err = os.ReadFile(file); err == nil {
		err = yaml.Unmarshal(text, &s)
	}
	if err != nil {
		return s, nil, fmt.Errorf("the specification %s: %w", file, err)
	}
	return s, text, nil
}

// create writes a deployment's folder. With update the folder is there: what changed is copied over it, the old file beside it as .bak;
// deployment.yml and data stay, and config.env too, but for the commits that mend that.
func (p *program) create(specFile, dir string, update bool) error {
	s, text, err := readSpec(specFile)
	if err != nil {
		return err
	}
	stack := p.stack
	if stack == "" {
		stack = s.Stack
	}
	definition, err := os.ReadFile(filepath.Join(stack, "stack.yml"))
	if err != nil {
		return fmt.Errorf("Error: stack: %s does not exist: %w", stack, err)
	}
	_, err = os.Stat(dir)
	switch {
	case err == nil && !update:
		return fmt.Errorf("Error: %s already exists", dir)
	case errors.Is(err, fs.ErrNotExist) && update:
		return fmt.Errorf("Error: --update specified but %s does not exist", dir)
	}
	id, err := clusterID(dir, update)
	if err != nil {
		return err
	}
	files := map[string]string{"spec.yml": string(text), "stack.yml": string(definition), "high-memlock-spec.json": memlockSpec, "kind-config.yml": p.kindConfig(s, dir, id)}
	if !update {
		files["deployment.yml"] = fmt.Sprintf("cluster-id: %s\nstack-source: %s\n", id, stack)
	}
	if !update || p.features.SyncConfig {
		var env strings.Builder
		for _, kv := range pairs(s.Config) {
			fmt.Fprintf(&env, "%s=%s\n", kv[0], kv[1])
		}
		files["config.env"] = env.String()
	}
	compose := filepath.Join(stack, "../../compose/docker-compose-agave.yml")
	pod, err := os.ReadFile(compose)
	if err != nil {
		return err
	}
	files["compose/docker-compose-agave.yml"] = string(pod)
	for name, content := range files {
		if err := replace(filepath.Join(dir, name), content); err != nil {
			return err
		}
	}
	for _, folder := range []string{"data/validator-config", "data/cluster-backups/" + id + "/etcd", "data/cluster-backups/" + id + "/pki", "pods/agave", "configmaps"} {
		if err := os.MkdirAll(filepath.Join(dir, folder), 0o755); err != nil {
			return err
		}
	}
	return nil
}

// replace writes a file that differs, and keeps the old one as .bak: one generation.
func replace(name, content string) error {
	old, err := os.ReadFile(name)
	if err == nil && string(old) == content {
		return nil
	}
	if err == nil {
		if err := os.Rename(name, name+".bak"); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.WriteFile(name, []byte(content), 0o644)
}

func clusterID(dir string, update bool) (string, error) {
	if update {
		d, err := readDeployment(dir)
		return d.ID, err
	}
	if id := os.Getenv("LAB_CLUSTER_ID"); id != "" {
		return id, nil // a test that wants a known one
	}
	b := make([]byte, 8)
	if _, err := rand.Read(b); err != nil {
		return "", err
	}
	return "laconic-" + hex.EncodeToString(b), nil
}

// identity is deployment.yml.
type identity struct {
	ID     string `yaml:"cluster-id"`
	Source string `yaml:"stack-source"`
}

func readDeployment(dir string) (i identity, err error) {
	text, err := os.ReadFile(filepath.Join(dir, "deployment.yml"))
	if err == nil {
		err = yaml.Unmarshal(text, &i)
	}
	if err == nil && i.ID == "" {
		err = errors.New("no cluster-id")
	}
	if err != nil {
		return i, fmt.Errorf("deployment.yml in %s: %w", dir, err)
	}
	return i, nil
}

const memlockSpec = `{"ociVersion":"1.0.2","process":{"rlimits":[{"type":"RLIMIT_MEMLOCK","hard":9223372036854775807,"soft":9223372036854775807},{"type":"RLIMIT_NOFILE","hard":1048576,"soft":1048576}]}}
`

// underRoot is laconic-so's test, of letters: /srv/kind2 is under /srv/kind.
func (p *program) underRoot(s spec, host string) bool {
	return p.features.MountRoot && s.KindMountRoot != "" && strings.HasPrefix(host, s.KindMountRoot)
}

// nodePath is where the node has a volume.
func (p *program) nodePath(s spec, name, host string) string {
	if p.underRoot(s, host) {
		return "/mnt/" + strings.TrimPrefix(strings.TrimPrefix(host, s.KindMountRoot), "/")
	}
	return "/mnt/" + name
}

// kindConfig is the cluster's configuration (biscayne.md 3.3).
func (p *program) kindConfig(s spec, dir, id string) string {
	abs, err := filepath.Abs(dir)
	if err != nil {
		abs = dir
	}
	var b strings.Builder
	b.WriteString("kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\nnodes:\n- role: control-plane\n  kubeadmConfigPatches:\n    - |\n      kind: InitConfiguration\n      nodeRegistration:\n        kubeletExtraArgs:\n          node-labels: \"ingress-ready=true\"\n  extraPortMappings:\n")
	port := func(n int, protocol string) {
		fmt.Fprintf(&b, "  - containerPort: %d\n    hostPort: %d\n    protocol: %s\n", n, n, protocol)
	}
	port(80, "TCP")
	port(443, "TCP")
	if p.features.PortMappings {
		for _, c := range s.containerPorts() {
			port(c.port, c.protocol)
		}
	}
	b.WriteString("  extraMounts:\n")
	mount := func(from, to string) {
		fmt.Fprintf(&b, "  - hostPath: %s\n    containerPath: %s\n", from, to)
		if p.features.Propagation {
			b.WriteString("    propagation: HostToContainer\n")
		}
	}
	backups := filepath.Join(abs, "data/cluster-backups", id)
	mount(backups+"/etcd", "/var/lib/etcd")
	mount(backups+"/pki", "/etc/kubernetes/pki")
	mount(abs+"/high-memlock-spec.json", abs+"/high-memlock-spec.json")
	if p.features.MountRoot && s.KindMountRoot != "" {
		mount(s.KindMountRoot, "/mnt")
	}
	for _, v := range pairs(s.Volumes) {
		if v[1] != "" && !p.underRoot(s, v[1]) {
			mount(v[1], "/mnt/"+v[0])
		}
	}
	return b.String()
}

func (p *program) version() error {
	out, err := exec.Command("git", "-c", "safe.directory=*", "-C", Repository, "rev-parse", "--short=7", "HEAD").Output()
	if err != nil {
		return fmt.Errorf("git: %w", err)
	}
	fmt.Fprintf(p.out, "Version: 1.1.0-%s\n", strings.TrimSpace(string(out)))
	return nil
}
