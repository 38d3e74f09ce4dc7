package kube

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Meta is what bisc reads of an object's metadata.
type Meta struct {
	Name              string            `json:"name"`
	Namespace         string            `json:"namespace"`
	UID               string            `json:"uid"`
	ResourceVersion   string            `json:"resourceVersion"`
	Generation        int64             `json:"generation"` // counts the changes of the spec
	Labels            map[string]string `json:"labels"`
	Owners            []Owner           `json:"ownerReferences"`
	Finalizers        []string          `json:"finalizers"`
	DeletionTimestamp *time.Time        `json:"deletionTimestamp"`
	// DeletionGrace is the grace in seconds that the deletion was asked for with.
	DeletionGrace *int64 `json:"deletionGracePeriodSeconds"`
}

// Terminating tells whether the object's deletion has been asked for.
func (m Meta) Terminating() bool { return m.DeletionTimestamp != nil }

// controller is the owner that keeps the object, or the zero Owner.
func (m Meta) controller() Owner {
	for _, o := range m.Owners {
		if o.Controller {
			return o
		}
	}
	return Owner{}
}

// Owner is one of metadata.ownerReferences.
type Owner struct {
	Kind       string `json:"kind"`
	Name       string `json:"name"`
	UID        string `json:"uid"`
	Controller bool   `json:"controller"`
}

// Deployment is an apps/v1 Deployment.
type Deployment struct {
	Meta Meta `json:"metadata"`
	Spec struct {
		Replicas *int64        `json:"replicas"`
		Selector LabelSelector `json:"selector"`
		Strategy struct {
			Type          string          `json:"type"`
			RollingUpdate json.RawMessage `json:"rollingUpdate"`
		} `json:"strategy"`
		Template struct {
			Meta Meta    `json:"metadata"`
			Spec PodSpec `json:"spec"`
		} `json:"template"`
	} `json:"spec"`
	Status struct {
		Replicas int64 `json:"replicas"`
		// Observed is the generation that the Deployment's controller has seen: less than metadata.generation means that what is
		// written is not yet followed.
		Observed   int64       `json:"observedGeneration"`
		Conditions []Condition `json:"conditions"`
	} `json:"status"`
}

// Replicas is what the spec asks for; unset is 1.
func (d Deployment) Replicas() int64 {
	if d.Spec.Replicas == nil {
		return 1
	}
	return *d.Spec.Replicas
}

// PodSpec is what bisc reads of a pod's spec.
type PodSpec struct {
	// Grace is terminationGracePeriodSeconds; unset is 30.
	Grace          *int64      `json:"terminationGracePeriodSeconds"`
	NodeName       string      `json:"nodeName"`
	HostNetwork    bool        `json:"hostNetwork"`
	Containers     []Container `json:"containers"`
	InitContainers []Container `json:"initContainers"`
	Volumes        []struct {
		Name  string `json:"name"`
		Claim *struct {
			Name string `json:"claimName"`
		} `json:"persistentVolumeClaim"`
	} `json:"volumes"`
}

// GraceSeconds is how long a deleted pod gets between SIGTERM and SIGKILL when nobody says otherwise.
func (s PodSpec) GraceSeconds() int64 {
	if s.Grace == nil {
		return 30
	}
	return *s.Grace
}

// container finds a container by its name.
func (s PodSpec) container(name string) (Container, bool) {
	for _, c := range s.Containers {
		if c.Name == name {
			return c, true
		}
	}
	return Container{}, false
}

// Has tells whether the pod has a container of that name.
func (s PodSpec) Has(container string) bool {
	_, ok := s.container(container)
	return ok
}

// Claims are the names of the PersistentVolumeClaims that the pod mounts.
func (s PodSpec) Claims() []string {
	var out []string
	for _, v := range s.Volumes {
		if v.Claim != nil {
			out = append(out, v.Claim.Name)
		}
	}
	return out
}

// Container is what bisc reads of a container in a pod's spec.
type Container struct {
	Name      string   `json:"name"`
	Image     string   `json:"image"`
	Env       []EnvVar `json:"env"`
	Ports     []Port   `json:"ports"`
	Lifecycle struct {
		PreStop *Hook `json:"preStop"`
	} `json:"lifecycle"`
}

// Port is a container's port. The API server fills the protocol in where it was left out: TCP.
type Port struct {
	Port     int    `json:"containerPort"`
	Protocol string `json:"protocol"`
}

// String is docker's form of a port: 8001/udp.
func (p Port) String() string {
	return fmt.Sprintf("%d/%s", p.Port, strings.ToLower(cmp.Or(p.Protocol, "tcp")))
}

// EnvVar is a variable of a container's environment. From is set where the value comes from elsewhere (a Secret, a ConfigMap).
type EnvVar struct {
	Name  string          `json:"name"`
	Value string          `json:"value,omitempty"`
	From  json.RawMessage `json:"valueFrom,omitempty"`
}

// Hook is a preStop hook. Kinds of hooks other than exec are only told from none.
type Hook struct {
	Exec *struct {
		Command []string `json:"command"`
	} `json:"exec"`
}

// Pod is a v1 Pod.
type Pod struct {
	Meta   Meta    `json:"metadata"`
	Spec   PodSpec `json:"spec"`
	Status struct {
		Phase      string            `json:"phase"`
		Reason     string            `json:"reason"`
		Conditions []Condition       `json:"conditions"`
		Containers []ContainerStatus `json:"containerStatuses"`
		Init       []ContainerStatus `json:"initContainerStatuses"`
		StartTime  *time.Time        `json:"startTime"`
	} `json:"status"`
}

// status finds a container's status by the container's name.
func (p Pod) status(name string) (ContainerStatus, bool) {
	for _, s := range p.Status.Containers {
		if s.Name == name {
			return s, true
		}
	}
	return ContainerStatus{}, false
}

// ContainerStatus is what the kubelet says of a container.
type ContainerStatus struct {
	Name    string `json:"name"`
	ID      string `json:"containerID"` // containerd://HEX
	Image   string `json:"image"`
	ImageID string `json:"imageID"` // sha256:HEX of the config, or NAME@sha256:HEX of a manifest
	// Restarts is how often the container was started again in this pod.
	Restarts int   `json:"restartCount"`
	State    State `json:"state"`
	Last     State `json:"lastState"`
}

// State is a container's state: exactly one of the three is set.
type State struct {
	Running *struct {
		Started time.Time `json:"startedAt"`
	} `json:"running"`
	Waiting *struct {
		Reason  string `json:"reason"`
		Message string `json:"message"`
	} `json:"waiting"`
	Ended *struct {
		Exit     int       `json:"exitCode"`
		Signal   int       `json:"signal"`
		Reason   string    `json:"reason"` // OOMKilled, Error, Completed
		Started  time.Time `json:"startedAt"`
		Finished time.Time `json:"finishedAt"`
	} `json:"terminated"`
}

// Condition is one of an object's status.conditions.
type Condition struct {
	Type    string `json:"type"`
	Status  string `json:"status"`
	Reason  string `json:"reason"`
	Message string `json:"message"`
}

// ReplicaSet is an apps/v1 ReplicaSet: what stands between a Deployment and its pods.
type ReplicaSet struct {
	Meta Meta `json:"metadata"`
	Spec struct {
		Replicas int64 `json:"replicas"`
		Template struct {
			Spec PodSpec `json:"spec"`
		} `json:"template"`
	} `json:"spec"`
	Status struct {
		Replicas int64 `json:"replicas"` // of pods that are not being deleted
		// Observed is the generation that the ReplicaSet's controller has seen; it writes that after it has made or deleted the pods.
		Observed int64 `json:"observedGeneration"`
	} `json:"status"`
}

// Followed tells whether the controller has done with what the spec says. One whose request to make a pod is slow, or that has yet to
// look, makes a pod that nobody wants any more, and a kubelet starts it.
func (s ReplicaSet) Followed() bool { return s.Status.Observed >= s.Meta.Generation }

// Volume is a v1 PersistentVolume.
type Volume struct {
	Meta Meta `json:"metadata"`
	Spec struct {
		Class    string            `json:"storageClassName"`
		Reclaim  string            `json:"persistentVolumeReclaimPolicy"`
		Capacity map[string]string `json:"capacity"`
		Modes    []string          `json:"accessModes"`
		HostPath *struct {
			Path string `json:"path"`
		} `json:"hostPath"`
		Claim *struct {
			Namespace string `json:"namespace"`
			Name      string `json:"name"`
			UID       string `json:"uid"`
		} `json:"claimRef"`
	} `json:"spec"`
	Status struct {
		Phase string `json:"phase"` // Available, Bound, Released, Failed
	} `json:"status"`
}

// path is where on the node the volume lies, or what it is instead.
func (v Volume) path() string {
	if v.Spec.HostPath == nil {
		return "(no hostPath)"
	}
	return v.Spec.HostPath.Path
}

// Claim is a v1 PersistentVolumeClaim.
type Claim struct {
	Meta Meta `json:"metadata"`
	Spec struct {
		Class  string `json:"storageClassName"`
		Volume string `json:"volumeName"`
	} `json:"spec"`
	Status struct {
		Phase string `json:"phase"` // Pending, Bound, Lost
	} `json:"status"`
}

// Namespace is a v1 Namespace.
type Namespace struct {
	Meta   Meta `json:"metadata"`
	Status struct {
		Phase      string      `json:"phase"` // Active, Terminating
		Conditions []Condition `json:"conditions"`
	} `json:"status"`
}

// NodeObject is a v1 Node: what the API server says of it. Node is what docker says.
type NodeObject struct {
	Meta Meta `json:"metadata"`
	Spec struct {
		Unschedulable bool `json:"unschedulable"`
	} `json:"spec"`
	Status struct {
		Conditions []Condition `json:"conditions"`
	} `json:"status"`
}
