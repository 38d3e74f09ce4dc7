package laconic

import (
	"fmt"
	"strings"

	"bisc/internal/lab/standin/kubeapi"
)

type object = kubeapi.Object

// volumes are those of the specification that have a path on the host.
func (d *deployment) volumes() (all [][2]string) {
	for _, v := range pairs(d.spec.Volumes) {
		if v[1] != "" {
			all = append(all, v)
		}
	}
	return all
}

// create makes the objects in laconic-so's order. What is made by POST alone is an error when it exists.
func (d *deployment) create(api *kubeapi.Client, pods bool) error {
	if err := missing(api, "/api/v1/namespaces", d.namespace(), object{"apiVersion": "v1", "kind": "Namespace", "metadata": object{"name": d.namespace()}}, d.say); err != nil {
		return err
	}
	if err := d.caddy(api); err != nil {
		return err
	}
	if d.spec.Security.UnlimitedMemlock {
		class := object{"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": object{"name": "high-memlock"}, "handler": "high-memlock"}
		if err := missing(api, "/apis/node.k8s.io/v1/runtimeclasses", "high-memlock", class, d.say); err != nil {
			return err
		}
	}
	for _, v := range d.volumes() {
		if err := d.volume(api, v[0], v[1]); err != nil {
			return err
		}
	}
	d.hang(StepVolumes)
	if pods {
		if err := api.Do("POST", d.path("/apis/apps/v1", "deployments"), d.workload(), nil); err != nil {
			return err
		}
		d.hang(StepDeployment)
	}
	if err := api.Do("POST", d.path("/api/v1", "services"), d.service("service", "ClusterIP", d.tcp()), nil); err != nil {
		return err
	}
	if err := d.ingress(api); err != nil {
		return err
	}
	for _, c := range d.spec.containerPorts() {
		name := fmt.Sprintf("nodeport-%d-%s", c.port, strings.ToLower(c.protocol))
		if err := api.Do("POST", d.path("/api/v1", "services"), d.service(name, "NodePort", []containerPort{c}), nil); err != nil {
			return err
		}
	}
	return nil
}

func (d *deployment) say(format string, args ...any) { fmt.Fprintf(d.out, format+"\n", args...) }

func (d *deployment) path(group, resource string) string {
	return group + "/namespaces/" + d.namespace() + "/" + resource
}

// missing makes an object unless it exists; one that exists stays as it is.
func missing(api *kubeapi.Client, path, name string, o object, say func(string, ...any)) error {
	err := api.Do("GET", path+"/"+name, nil, nil)
	switch {
	case err == nil:
		say("%v %s already exists", o["kind"], name)
		return nil
	case !code(err, 404):
		return err
	}
	return api.Do("POST", path, o, nil)
}

func (d *deployment) meta(name string) object {
	return object{"name": d.id + "-" + name, "labels": object{"app": d.id}}
}

func (d *deployment) volume(api *kubeapi.Client, name, host string) error {
	size := object{"storage": "2Gi"}
	modes := []string{"ReadWriteOnce"}
	claim := object{"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": d.meta(name), "spec": object{
		"accessModes": modes, "storageClassName": "manual", "volumeName": d.id + "-" + name, "resources": object{"requests": size}}}
	if err := missing(api, d.path("/api/v1", "persistentvolumeclaims"), d.id+"-"+name, claim, d.say); err != nil {
		return err
	}
	volume := object{"apiVersion": "v1", "kind": "PersistentVolume", "metadata": d.meta(name), "spec": object{
		"accessModes": modes, "storageClassName": "manual", "capacity": size, "hostPath": object{"path": d.nodePath(d.spec, name, host)}}}
	return missing(api, "/api/v1/persistentvolumes", d.id+"-"+name, volume, d.say)
}

// workload is the Deployment: no strategy, no grace, no probes.
func (d *deployment) workload() object {
	var containers, volumes []any
	hostNetwork := false
	for _, name := range d.pod.names() {
		s := d.pod.Services[name]
		hostNetwork = hostNetwork || s.NetworkMode == "host"
		var ports []any
		for _, c := range d.spec.containerPorts() {
			ports = append(ports, object{"containerPort": c.port, "protocol": c.protocol})
		}
		container := object{"name": name, "image": s.Image, "env": s.env(d.env), "volumeMounts": s.mounts(), "ports": ports,
			"resources": object{"requests": quantities(d.spec.Resources.Containers.Reservations), "limits": quantities(d.spec.Resources.Containers.Limits)}}
		if d.spec.Security.Privileged {
			container["securityContext"] = object{"privileged": true, "capabilities": object{"add": []string{"IPC_LOCK"}}}
		}
		containers = append(containers, container)
	}
	for _, v := range d.volumes() {
		volumes = append(volumes, object{"name": v[0], "persistentVolumeClaim": object{"claimName": d.id + "-" + v[0]}})
	}
	pod := object{"containers": containers, "volumes": volumes}
	if hostNetwork {
		pod["hostNetwork"], pod["dnsPolicy"] = true, "ClusterFirstWithHostNet"
	}
	if d.spec.Security.UnlimitedMemlock {
		pod["runtimeClassName"] = "high-memlock"
	}
	replicas := 1
	if d.spec.Replicas != nil {
		replicas = *d.spec.Replicas
	}
	return object{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": d.meta("deployment"), "spec": object{
		"replicas": replicas, "selector": object{"matchLabels": object{"app": d.id}},
		"template": object{"metadata": object{"labels": object{"app": d.id}}, "spec": pod}}}
}

// quantities are Kubernetes' words for the specification's: cpus is cpu.
func quantities(from map[string]string) object {
	to := object{}
	for name, value := range from {
		to[strings.Replace(name, "cpus", "cpu", 1)] = value
	}
	return to
}

func (d *deployment) tcp() (all []containerPort) {
	for _, c := range d.spec.containerPorts() {
		if c.protocol == "TCP" {
			all = append(all, c)
		}
	}
	return all
}

func (d *deployment) service(name, kind string, ports []containerPort) object {
	var told []any
	for _, c := range ports {
		told = append(told, object{"name": fmt.Sprintf("p%d%s", c.port, strings.ToLower(c.protocol)), "port": c.port, "targetPort": c.port, "protocol": c.protocol})
	}
	return object{"apiVersion": "v1", "kind": "Service", "metadata": d.meta(name), "spec": object{"type": kind, "ports": told, "selector": object{"app": d.id}}}
}

func (d *deployment) ingress(api *kubeapi.Client) error {
	var rules []any
	for _, proxy := range d.spec.Network.HTTPProxy {
		var paths []any
		for _, r := range proxy.Routes {
			var port int
			_, to, _ := strings.Cut(r.ProxyTo, ":")
			if _, err := fmt.Sscan(to, &port); err != nil {
				return fmt.Errorf("proxy-to %s: %w", r.ProxyTo, err)
			}
			paths = append(paths, object{"path": r.Path, "pathType": "Prefix", "backend": object{"service": object{"name": d.id + "-service", "port": object{"number": port}}}})
		}
		rules = append(rules, object{"host": proxy.Host, "http": object{"paths": paths}})
	}
	if rules == nil {
		return nil
	}
	return api.Do("POST", d.path("/apis/networking.k8s.io/v1", "ingresses"), object{"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": d.meta("ingress"),
		"spec": object{"ingressClassName": "caddy", "rules": rules}}, nil)
}
