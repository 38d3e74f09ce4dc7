// Package kind stands in for kind in the lab: it makes a cluster of the lab's own node image by docker, and finds, loads and deletes by
// kind's labels as kind does. Messages go to standard error, as kind's do.
package kind

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"sigs.k8s.io/yaml"

	"bisc/internal/lab/cluster/node"
)

// tool is one call.
type tool struct{ out, log io.Writer }

// Main runs kind and returns its exit status.
func Main(args []string, out, log io.Writer) int {
	if err := (tool{out, log}).run(args); err != nil {
		fmt.Fprintln(log, "ERROR:", err)
		return 1
	}
	return 0
}

func (t tool) run(args []string) error {
	if len(args) == 1 && (args[0] == "version" || args[0] == "--version") {
		fmt.Fprintln(t.out, "kind v0.33.0 go1.26 linux/amd64")
		return nil
	}
	if len(args) < 2 {
		return errors.New("unknown command")
	}
	verb, rest := args[0]+" "+args[1], args[2:]
	flags := flag.NewFlagSet(verb, flag.ContinueOnError)
	flags.SetOutput(t.log)
	name := flags.String("name", "kind", "")
	config := flags.String("config", "", "")
	kubeconfig := flags.String("kubeconfig", defaultKubeconfig(), "")
	flags.String("wait", "", "")
	words, err := mixed(flags, rest)
	if err != nil {
		return err
	}
	switch verb {
	case "get clusters":
		return t.clusters()
	case "get nodes":
		return t.nodes(*name)
	case "get kubeconfig":
		text, err := t.kubeconfig(*name)
		fmt.Fprint(t.out, text)
		return err
	case "load docker-image":
		return t.load(*name, words)
	case "create cluster":
		return t.create(*name, *config, *kubeconfig)
	case "delete cluster":
		return t.delete(*name)
	}
	return fmt.Errorf("unknown command %q for \"kind\"", verb)
}

// mixed parses flags before, between and after words.
func mixed(flags *flag.FlagSet, args []string) (words []string, err error) {
	for len(args) > 0 {
		if err := flags.Parse(args); err != nil {
			return nil, err
		}
		if args = flags.Args(); len(args) > 0 {
			words, args = append(words, args[0]), args[1:]
		}
	}
	return words, nil
}

func defaultKubeconfig() string {
	if file := os.Getenv("KUBECONFIG"); file != "" {
		return file
	}
	home, err := os.UserHomeDir()
	if err != nil {
		home = "/root"
	}
	return filepath.Join(home, ".kube", "config")
}

func docker(stdin io.Reader, args ...string) (string, error) {
	cmd := exec.Command("docker", args...)
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, &out, &errs
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("command \"docker %s\" failed with error: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(errs.String()))
	}
	return out.String(), nil
}

func (t tool) clusters() error {
	out, err := docker(nil, "ps", "-a", "--filter", "label=io.x-k8s.kind.cluster", "--format", `{{.Label "io.x-k8s.kind.cluster"}}`)
	if err != nil {
		return err
	}
	if out == "" {
		fmt.Fprintln(t.log, "No kind clusters found.")
	}
	fmt.Fprint(t.out, out)
	return nil
}

func nodesOf(cluster string) ([]string, error) {
	out, err := docker(nil, "ps", "-a", "--filter", "label=io.x-k8s.kind.cluster="+cluster, "--format", "{{.Names}}")
	return strings.Fields(out), err
}

func (t tool) nodes(cluster string) error {
	nodes, err := nodesOf(cluster)
	if err != nil {
		return err
	}
	if len(nodes) == 0 {
		fmt.Fprintf(t.log, "No kind nodes found for cluster %q.\n", cluster)
	}
	for _, n := range nodes {
		fmt.Fprintln(t.out, n)
	}
	return nil
}

// kubeconfig is the administrator's, for use on the host.
func (t tool) kubeconfig(cluster string) (string, error) {
	n := node.Node{Cluster: cluster}
	text, err := docker(nil, "exec", n.Name(), "cat", "/etc/kubernetes/admin.conf")
	if err != nil {
		return "", fmt.Errorf("could not locate any control plane nodes for cluster named '%s'. Use the --name option to select a different cluster: %w", cluster, err)
	}
	at, err := docker(nil, "port", n.Name(), fmt.Sprintf("%d/tcp", node.APIPort))
	if err != nil {
		return "", err
	}
	var port int
	if _, err := fmt.Sscanf(strings.TrimSpace(at), "127.0.0.1:%d", &port); err != nil {
		return "", fmt.Errorf("docker port said %q: %w", at, err)
	}
	return n.Kubeconfig(text, port), nil
}

// load is docker save into ctr images import. Kind execs with --privileged, which a machine that lacks CAP_SYS_RESOURCE refuses.
func (t tool) load(cluster string, images []string) error {
	nodes, err := nodesOf(cluster)
	if err != nil {
		return err
	}
	if len(nodes) == 0 {
		return fmt.Errorf("no nodes found for cluster %q", cluster)
	}
	for _, image := range images {
		id, err := docker(nil, "image", "inspect", "-f", "{{ .Id }}", image)
		if err != nil {
			return fmt.Errorf("image: %q not present locally", image)
		}
		for _, n := range nodes {
			fmt.Fprintf(t.log, "Image: %q with ID %q not yet present on node %q, loading...\n", image, strings.TrimSpace(id), n)
			if err := loadInto(n, image); err != nil {
				return err
			}
		}
	}
	return nil
}

func loadInto(n, image string) error {
	dir, err := os.MkdirTemp("", "images-tar")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "images.tar")
	if _, err := docker(nil, "save", "-o", file, image); err != nil {
		return err
	}
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = docker(f, "exec", "-i", n, "ctr", "--namespace=k8s.io", "images", "import", "--all-platforms", "--digests", "--snapshotter=overlayfs", "-")
	return err
}

// config is the part of a cluster's configuration that makes a difference to the lab's node.
type config struct {
	Nodes []struct {
		ExtraMounts []struct{ HostPath, ContainerPath, Propagation string }
		// ExtraPortMappings' host ports are published as they are.
		ExtraPortMappings []struct {
			ContainerPort, HostPort int
			Protocol                string
		}
	}
}

func (t tool) create(cluster, file, kubeconfig string) error {
	if nodes, err := nodesOf(cluster); err != nil || len(nodes) > 0 {
		return errors.Join(err, fmt.Errorf("failed to create cluster: node(s) already exist for a cluster with the name %q", cluster))
	}
	n := node.Node{Cluster: cluster, Mounts: map[string]string{}}
	if file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		var c config
		if err := yaml.Unmarshal(text, &c); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		n = c.node(n)
	}
	fmt.Fprintf(t.log, "Creating cluster %q ...\n", cluster)
	if _, err := docker(nil, "network", "inspect", "kind"); err != nil {
		if _, err := docker(nil, "network", "create", "kind"); err != nil {
			return err
		}
	}
	if _, err := docker(nil, n.RunArgs()...); err != nil {
		return err
	}
	for end := time.Now().Add(4 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
		if _, err := docker(nil, "exec", n.Name(), "sh", "-c", "test -e /run/onekube/ready"); err == nil {
			break
		} else if time.Now().After(end) {
			return fmt.Errorf("the node is not ready: %w", err)
		}
	}
	text, err := t.kubeconfig(cluster)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(kubeconfig), 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(kubeconfig, []byte(text), 0o600); err != nil {
		return err
	}
	fmt.Fprintf(t.log, "Set kubectl context to \"kind-%s\"\n", cluster)
	return nil
}

// node adds the mounts and ports of the file. The lab's mounts are all HostToContainer: docker's rslave.
func (c config) node(n node.Node) node.Node {
	for _, one := range c.Nodes {
		for _, m := range one.ExtraMounts {
			// The lab's control plane keeps its state in the node's own /var: kubeadm's folders mean nothing to it.
			if m.ContainerPath != "/var/lib/etcd" && m.ContainerPath != "/etc/kubernetes/pki" {
				n.Mounts[m.HostPath] = m.ContainerPath
			}
		}
		for _, p := range one.ExtraPortMappings {
			if p.HostPort != 0 && !strings.EqualFold(p.Protocol, "udp") {
				n.Publish = append(n.Publish, p.HostPort)
			}
		}
	}
	return n
}

func (t tool) delete(cluster string) error {
	fmt.Fprintf(t.log, "Deleting cluster %q ...\n", cluster)
	nodes, err := nodesOf(cluster)
	if err != nil || len(nodes) == 0 {
		return err
	}
	if _, err := docker(nil, append([]string{"rm", "-f", "-v"}, nodes...)...); err != nil {
		return err
	}
	fmt.Fprintf(t.log, "Deleted nodes: %q\n", nodes)
	return nil
}
