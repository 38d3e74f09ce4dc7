package kubeapi

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	"bisc/internal/host"
)

// ask puts one question.
func (c *client) ask(ctx context.Context, q host.KubeQuery) (out []byte, err error) {
	err = c.gate.through(ctx, func(ctx context.Context) error {
		out, err = ask(ctx, c.of(q.Resource, q.Namespace), q)
		return err
	})
	return out, err
}

func ask(ctx context.Context, at dynamic.ResourceInterface, q host.KubeQuery) ([]byte, error) {
	if q.Name != "" {
		object, err := at.Get(ctx, q.Name, metav1.GetOptions{})
		if err != nil {
			return nil, err
		}
		return object.MarshalJSON()
	}
	list, err := at.List(ctx, metav1.ListOptions{LabelSelector: q.Labels, FieldSelector: q.Fields})
	if err != nil {
		return nil, err
	}
	return list.MarshalJSON()
}

// of is where a resource's objects are. The resource was checked.
func (c *client) of(resource, namespace string) dynamic.ResourceInterface {
	group, version, name := host.KubeResource(resource)
	at := c.objects.Resource(schema.GroupVersionResource{Group: group, Version: version, Resource: name})
	if namespace == "" {
		return at
	}
	return at.Namespace(namespace)
}
