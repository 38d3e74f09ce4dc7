package laconic

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"bisc/internal/lab/standin/kubeapi"
)

// deployment is a deployment's folder, read.
type deployment struct {
	*program
	dir  string
	id   string
	from string // the stack's folder
	spec spec
	env  [][2]string // config.env
	pod  compose
}

func (p *program) open(dir string) (*deployment, error) {
	d := &deployment{program: p, dir: dir}
	i, err := readDeployment(dir)
	if err != nil {
		return nil, err
	}
	d.id, d.from = i.ID, i.Source
	if d.spec, _, err = readSpec(filepath.Join(dir, "spec.yml")); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(filepath.Join(dir, "config.env"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for l := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(strings.TrimSpace(l), "="); ok {
			d.env = append(d.env, [2]string{name, value})
		}
	}
	d.pod, err = readCompose(filepath.Join(dir, "compose", "docker-compose-agave.yml"))
	return d, err
}

func (d *deployment) namespace() string { return "laconic-" + d.id }

// call runs a program whose output is shown, as laconic-so runs kind.
func (d *deployment) call(name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, d.log
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("Error: %s %s: %w", name, strings.Join(args, " "), err)
	}
	return out.String(), nil
}

// cluster is the host's one kind cluster, whatever its name; "" is none.
func (d *deployment) cluster() (string, error) {
	out, err := d.call("kind", "get", "clusters")
	names := strings.Fields(out)
	if err != nil || len(names) == 0 {
		return "", err
	}
	if slices.Contains(names, d.id) {
		return d.id, nil
	}
	return names[0], nil
}

func (d *deployment) api(cluster string) (*kubeapi.Client, error) {
	file := os.Getenv("KUBECONFIG")
	if file == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return nil, err
		}
		file = filepath.Join(home, ".kube", "config")
	}
	return kubeapi.New(file, "kind-"+cluster)
}

// start is start, and with pods false prepare.
func (d *deployment) start(manage, pods bool) error {
	cluster, err := d.cluster()
	if err != nil {
		return err
	}
	switch {
	case cluster != "":
		fmt.Fprintf(d.out, "Using existing cluster: %s\n", cluster)
	case manage:
		cluster = d.id
		if _, err := d.call("kind", "create", "cluster", "--name", d.id, "--config", filepath.Join(d.dir, "kind-config.yml")); err != nil {
			return err
		}
	default:
		cluster = d.id // the context is missing below, as with the real one
	}
	api, err := d.api(cluster)
	if err != nil {
		return err
	}
	if manage && d.faults.LoseService {
		if err := api.Do("DELETE", "/api/v1/namespaces/default/services/kubernetes", nil, nil); err != nil {
			return err
		}
	}
	d.hang(StepCluster)
	fmt.Fprintln(d.out, "Loading images into kind")
	time.Sleep(time.Duration(d.faults.LoadSeconds * float64(time.Second)))
	for _, image := range d.pod.images() {
		if _, err := d.call("kind", "load", "docker-image", image, "--name", cluster); err != nil {
			return err
		}
	}
	if err := d.create(api, pods); err != nil {
		return err
	}
	if d.faults.Fails != "" {
		return errors.New(d.faults.Fails)
	}
	return nil
}

// hang is where a test wants an interrupted start: it stays until it is killed.
func (d *deployment) hang(step string) {
	if d.faults.HangAt == step {
		fmt.Fprintf(d.out, "hanging at %s\n", step)
		time.Sleep(time.Hour)
	}
}

// stop deletes the namespace and, where it manages clusters, the cluster with all that runs in it. Volumes survive.
func (d *deployment) stop(manage, volumes bool) error {
	cluster, err := d.cluster()
	if err != nil {
		return err
	}
	if cluster == "" {
		fmt.Fprintln(d.out, "No cluster")
		return nil
	}
	api, err := d.api(cluster)
	if err != nil {
		return err
	}
	if volumes {
		for _, v := range d.volumes() {
			if err := api.Do("DELETE", "/api/v1/persistentvolumes/"+d.id+"-"+v[0], nil, nil); err != nil && !code(err, 404) {
				return err
			}
		}
	}
	if err := api.Do("DELETE", "/api/v1/namespaces/"+d.namespace(), nil, nil); err != nil && !code(err, 404) {
		return err
	}
	if !manage {
		return nil
	}
	_, err = d.call("kind", "delete", "cluster", "--name", cluster)
	return err
}

// pause is between restart's down and up; a namespace takes longer to go.
const pause = 5 * time.Second

func (d *deployment) restart() error {
	if _, err := d.call("git", "-c", "safe.directory=*", "-C", d.from, "pull"); err != nil {
		return err
	}
	// The repository's root is taken as four levels above the stack, which for a stack outside of it is the wrong folder.
	specFile := filepath.Join(d.from, "../../../..", "deployment", "spec.yml")
	if _, err := os.Stat(specFile); err != nil {
		specFile = filepath.Join(d.dir, "spec.yml")
	}
	if err := d.program.create(specFile, d.dir, true); err != nil {
		return err
	}
	if err := d.stop(false, false); err != nil {
		return err
	}
	time.Sleep(pause)
	again, err := d.open(d.dir)
	if err != nil {
		return err
	}
	return again.start(false, true)
}

func (d *deployment) status() error {
	cluster, err := d.cluster()
	if err != nil {
		return err
	}
	if cluster == "" {
		fmt.Fprintln(d.out, "No cluster")
		return nil
	}
	api, err := d.api(cluster)
	if err != nil {
		return err
	}
	var pods struct {
		Items []struct {
			Metadata struct{ Name string }
			Status   struct{ Phase string }
		}
	}
	if err := api.Do("GET", "/api/v1/namespaces/"+d.namespace()+"/pods", nil, &pods); err != nil {
		return err
	}
	for _, pod := range pods.Items {
		fmt.Fprintf(d.out, "%s: %s\n", pod.Metadata.Name, pod.Status.Phase)
	}
	return nil
}

func code(err error, want int) bool {
	e := (*kubeapi.Error)(nil)
	return errors.As(err, &e) && e.Code == want
}
