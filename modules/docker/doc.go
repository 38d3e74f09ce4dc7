// Package docker holds the kinds of what docker runs on a host: kind's nodes.
//
// Everything is read through the daemon's own API and the host's /proc; nothing is run inside a container to look at it:
// a docker exec hangs when the host is ill, and then it is looked at most.
package docker
