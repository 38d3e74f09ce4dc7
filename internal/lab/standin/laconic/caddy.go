package laconic

import (
	"fmt"

	"bisc/internal/lab/standin/kubeapi"
)

// caddyObjects are those of Caddy's ingress, in the order of its manifest. Its Deployment has no pods here: the lab has no such image.
func caddyObjects() []struct {
	path string
	body object
} {
	const name, space = "caddy-ingress-controller", "caddy-system"
	at := func(version, kind string, more object) object {
		o := object{"apiVersion": version, "kind": kind, "metadata": object{"name": name}}
		for k, v := range more {
			o[k] = v
		}
		return o
	}
	labels := object{"app.kubernetes.io/component": "controller"}
	return []struct {
		path string
		body object
	}{
		{"/api/v1/namespaces", at("v1", "Namespace", object{"metadata": object{"name": space}})},
		{"/api/v1/namespaces/" + space + "/serviceaccounts", at("v1", "ServiceAccount", nil)},
		{"/apis/rbac.authorization.k8s.io/v1/clusterroles", at("rbac.authorization.k8s.io/v1", "ClusterRole", object{"rules": []object{{"apiGroups": []string{""}, "resources": []string{"services"}, "verbs": []string{"get"}}}})},
		{"/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", at("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", object{
			"roleRef":  object{"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
			"subjects": []object{{"kind": "ServiceAccount", "name": name, "namespace": space}}})},
		{"/apis/networking.k8s.io/v1/ingressclasses", at("networking.k8s.io/v1", "IngressClass", object{"metadata": object{"name": "caddy"}, "spec": object{"controller": "caddyserver.com/ingress-controller"}})},
		{"/apis/apps/v1/namespaces/" + space + "/deployments", at("apps/v1", "Deployment", object{"spec": object{"replicas": 0,
			"selector": object{"matchLabels": labels}, "template": object{"metadata": object{"labels": labels}, "spec": object{"containers": []object{{"name": name, "image": "caddy/ingress:latest"}}}}}})},
	}
}

// caddy installs the ingress unless its Deployment is there, the last of its objects: what an interrupted start has left of the others
// makes each later start fail (biscayne.md 3.4).
func (d *deployment) caddy(api *kubeapi.Client) error {
	err := api.Do("GET", "/apis/apps/v1/namespaces/caddy-system/deployments/caddy-ingress-controller", nil, nil)
	if err == nil || !code(err, 404) {
		return err
	}
	d.say("Installing Caddy ingress controller...")
	for i, o := range caddyObjects() {
		if i == 3 {
			d.hang(StepCaddy)
		}
		if err := api.Do("POST", o.path, o.body, nil); err != nil {
			return fmt.Errorf("kubernetes.utils.create_from_yaml.FailToCreateError: Error from server: %w", err)
		}
	}
	return nil
}
