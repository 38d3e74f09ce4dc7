// Package access is how the programs of a lab's node reach its Kubernetes API, and the addresses by which others reach the node.
package access

import (
	"fmt"
	"net"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// Client is a client without a limit on its rate: it is the only one on its node.
func Client(kubeconfig string) (*kubernetes.Clientset, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", kubeconfig, err)
	}
	config.QPS = -1
	return kubernetes.NewForConfig(config)
}

// Addresses are those by which the machine's others may know this node.
func Addresses() []net.IP {
	var ips []net.IP
	addrs, _ := net.InterfaceAddrs() // none: the API is then reached by 127.0.0.1 alone
	for _, addr := range addrs {
		if ip, ok := addr.(*net.IPNet); ok && ip.IP.IsGlobalUnicast() {
			ips = append(ips, ip.IP)
		}
	}
	return ips
}
