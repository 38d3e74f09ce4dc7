package eos

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"bisc/modules"
)

// inUse are blocks that use every attribute of their kinds, but for absence.
func inUse() []modules.Resource {
	handler := handler(func(*EventHandler) {})
	route := StaticRouteKind.New("192.0.2.9/32").(*StaticRoute)
	route.NextHop, route.VRF, route.EgressVRF, route.Distance, route.Tag, route.Title = "203.0.113.1", "relay", "default", 5, 7, "shreds"
	daemon := DaemonKind.New("bisc-relay").(*Daemon)
	daemon.Exec = "/mnt/flash/bisc/relay -x"
	return []modules.Resource{
		section(func(s *Section) { s.Without = []string{"mtu 1500"} }),
		&Lines{Name: "l", Lines: []string{"monitor session 1 destination Cpu"}, Prefix: "monitor session 1 "},
		&Lines{Name: "l", Lines: []string{"spanning-tree mode mstp"}, Without: []string{"spanning-tree mode none"}},
		&ACL{Name: "A", Rules: []string{"permit ip any any"}, Counters: true},
		&VRF{Name: "relay", Routing: true},
		&Tunnel{Name: "Tunnel100", Source: "192.0.2.137", Destination: "198.51.100.235", Address: "169.254.100.0/31", VRF: "relay", MTU: 9216, ACLIn: "A", TTL: 64, Description: "d"},
		handler, policy(func(*TrafficPolicy) {}), monitor(), route, daemon,
	}
}

// apart are attributes that are not of the configuration, and where they are tried.
var apart = map[string]string{
	"allow_foreign": "a permission: TestIncident40", "window": "between two looks: TestMonitor", "max_drops": "of a queue: TestMonitor",
	"program": "of a process: TestDaemon", "steady": "of a process: TestDaemon", "require_kernel": "of the kernel: TestStaticRoute",
	"exclusive": "of the other next hops: TestStaticRoute",
}

// An attribute that is not part of what is wanted would be written in a plan and never looked at. Each one of each kind that configures
// a switch changes what the kind wants of the configuration, or stands in the list above with where it is tried.
func TestEveryAttributeIsWanted(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range inUse() {
		kind := strings.ToLower(reflect.TypeOf(r).Elem().Name())
		seen[kind] = true
		for i := range reflect.TypeOf(r).Elem().NumField() {
			f := reflect.TypeOf(r).Elem().Field(i)
			name, _, _ := strings.Cut(f.Tag.Get("hcl"), ",")
			if name == "" || apart[name] != "" || name == "prefix" && reflect.ValueOf(r).Elem().Field(i).IsZero() || name == "without" && reflect.ValueOf(r).Elem().Field(i).IsZero() {
				continue
			}
			other := reflect.New(reflect.TypeOf(r).Elem())
			other.Elem().Set(reflect.ValueOf(r).Elem())
			change(other.Elem().Field(i))
			if before, after := r.(configured).Wants(), other.Interface().(configured).Wants(); reflect.DeepEqual(before, after) {
				t.Errorf("%s: %s makes no difference: %+v", kind, name, before)
			}
		}
	}
	if len(seen) != 10 {
		t.Errorf("%d kinds were looked at, want the 10 that configure: %v", len(seen), seen)
	}
}

// change gives an attribute another value.
func change(v reflect.Value) {
	switch x := v.Interface().(type) {
	case bool:
		v.SetBool(!x)
	case int:
		v.SetInt(int64(x) + 1)
	case time.Duration:
		v.SetInt(int64(x + time.Second))
	case []string:
		v.Set(reflect.ValueOf(append([]string{"permit icmp any any"}, x...)))
	case string:
		words := map[string]string{"merge": "exact", "Cpu": "Ethernet5/1", "udp": "tcp", "on-boot": "on-startup-config"}
		if words[x] == "" {
			words[x] = x + "9"
		}
		v.SetString(words[x])
	}
}
