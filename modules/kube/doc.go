// Package kube has the kinds that are objects of the cluster: kube_deployment, kube_volume, kube_namespace and image. They are
// read in one place, into small structs of ours (objects.go, api.go, deployed.go), which other kinds use too.
//
// What the API server says is evidence, never proof: that a pod object is gone does not say that its process is. Whatever could
// hurt a validator carries the proof from the host's own process table (host.ValidatorStopped) as a guard.
package kube
