package laconic

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"sigs.k8s.io/yaml"

	"bisc/internal/host"
	"bisc/modules/docker"
	"bisc/modules/job"
)

// deployed is what was observed of a deployment.
type deployed struct {
	there     bool // the folder is laconic-so's: it has a deployment.yml
	clusterID string
	spec      spec
	hasSpec   bool
	wanted    spec // of Deployment.Spec
	hasWanted bool
	env       envFile
	config    clusterConfig // kind's
	hasConfig bool

	tool    repository
	hasTool bool
	forms   forms
	job     job.State
	ours    bool // this run has started it: what it has not made is not tried a second time

	node   docker.Container
	hasBox bool
	// cluster is what the API server says; nil where it was not asked: there is no node, or it does not run.
	cluster *objects
	process process
}

// observe asks everything at once, the cluster where there is a node that runs.
func (d *Deployment) observe(ctx context.Context, h host.Reader) (deployed, error) {
	var o deployed
	var silent error // why the cluster does not tell
	err := host.Ask(ctx,
		func(ctx context.Context) error { return d.readFolder(ctx, h, &o) },
		func(ctx context.Context) error { return d.readTool(ctx, h, &o) },
		func(ctx context.Context) (err error) { o.process, err = d.readProcess(ctx, h); return err },
		func(ctx context.Context) (err error) {
			if d.wantsObjects() {
				o.job, err = d.job("").Read(ctx, h)
			}
			return err
		},
		func(ctx context.Context) (err error) {
			if d.Kubeconfig == "" {
				return nil
			}
			o.node, o.hasBox, err = docker.ReadContainer(ctx, h, d.node())
			if err == nil && o.hasBox && o.node.State.Status == "running" {
				o.cluster, silent = d.readObjects(ctx, h)
			}
			return err
		},
	)
	// While laconic-so makes the cluster its API comes and goes.
	if err == nil && !(errors.Is(silent, host.ErrNoAPI) && (o.job.Phase == job.Running || !d.wantsObjects())) {
		err = silent
	}
	return o, err
}

// envFile is config.env.
type envFile struct {
	there  bool
	stat   host.Stat
	text   []byte
	values map[string]string
}

// readFolder reads the deployment's folder.
func (d *Deployment) readFolder(ctx context.Context, h host.Reader, o *deployed) error {
	return host.Ask(ctx,
		func(ctx context.Context) error {
			b, there, err := readIfThere(ctx, h, d.Dir+"/deployment.yml")
			if err != nil || !there {
				return err
			}
			var file struct {
				ClusterID string `json:"cluster-id"`
			}
			if err := yaml.Unmarshal(b, &file); err != nil {
				return fmt.Errorf("%s/deployment.yml: %w", d.Dir, err)
			}
			o.there, o.clusterID = true, file.ClusterID
			return nil
		},
		func(ctx context.Context) (err error) {
			o.spec, o.hasSpec, err = readSpec(ctx, h, d.Dir+"/spec.yml")
			return err
		},
		func(ctx context.Context) (err error) {
			if d.Spec != "" {
				o.wanted, o.hasWanted, err = readSpec(ctx, h, d.Spec)
			}
			return err
		},
		func(ctx context.Context) (err error) {
			o.env.text, o.env.there, err = readIfThere(ctx, h, d.Dir+"/config.env")
			o.env.values = parseEnv(o.env.text)
			return err
		},
		func(ctx context.Context) (err error) {
			o.env.stat, _, err = host.StatIfThere(ctx, h, d.Dir+"/config.env")
			return err
		},
		func(ctx context.Context) (err error) {
			if d.wantsObjects() {
				o.config, o.hasConfig, err = readConfig(ctx, h, d.Dir+"/kind-config.yml")
			}
			return err
		},
	)
}

func readIfThere(ctx context.Context, h host.Reader, name string) (b []byte, there bool, err error) {
	b, err = h.ReadFile(ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("read %s: %w", name, err)
	}
	return b, true, nil
}

// parseEnv reads KEY=value lines; the last of a name counts, as in docker's.
func parseEnv(text []byte) map[string]string {
	values := map[string]string{}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\r\n")
		if name, value, ok := strings.Cut(line, "="); ok && !strings.HasPrefix(line, "#") {
			values[strings.TrimSpace(name)] = value
		}
	}
	return values
}
