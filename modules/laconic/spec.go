package laconic

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"

	"sigs.k8s.io/yaml"

	"bisc/internal/host"
)

// spec is a laconic-so specification, spec.yml.
type spec struct {
	Stack         string            `json:"stack"`
	DeployTo      string            `json:"deploy-to"`
	KindMountRoot string            `json:"kind-mount-root"`
	Config        map[string]scalar `json:"config"`
	Volumes       map[string]string `json:"volumes"`
	Network       struct {
		Ports     map[string][]any `json:"ports"`
		HTTPProxy []any            `json:"http-proxy"`
	} `json:"network"`
	// whole is the file as a tree, so that what is not named here is compared too.
	whole any
}

// scalar is a value of config as laconic-so writes it into config.env: it is Python, where YAML's true is the word "True".
type scalar string

// UnmarshalJSON takes words, numbers and truths.
func (s *scalar) UnmarshalJSON(b []byte) error {
	var v any
	if err := yaml.Unmarshal(b, &v); err != nil {
		return err
	}
	switch v := v.(type) {
	case nil:
		*s = ""
	case string:
		*s = scalar(v)
	case float64:
		*s = scalar(b)
	case bool:
		*s = "False"
		if v {
			*s = "True"
		}
	default:
		return fmt.Errorf("a value of config is no word: %s", b)
	}
	return nil
}

// serves tells whether laconic-so makes a Service.
func (s spec) serves() bool { return len(s.Network.Ports)+len(s.Network.HTTPProxy) > 0 }

// volumeNames are those of the volumes that have a folder on the host.
func (s spec) volumeNames() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(s.Volumes)), func(name string) bool { return s.Volumes[name] == "" })
}

// readSpec reads a specification; there is false where there is no such file.
func readSpec(ctx context.Context, h host.Reader, name string) (s spec, there bool, err error) {
	b, err := h.ReadFile(ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		return s, false, nil
	}
	if err == nil {
		s, err = parseSpec(b)
	}
	if err != nil {
		return s, false, fmt.Errorf("the specification %s: %w", name, err)
	}
	return s, true, nil
}

func parseSpec(b []byte) (s spec, err error) {
	if err = yaml.Unmarshal(b, &s); err == nil {
		err = yaml.Unmarshal(b, &s.whole)
	}
	for name, p := range s.Volumes {
		if p != "" {
			s.Volumes[name] = path.Clean(p)
		}
	}
	return s, err
}
