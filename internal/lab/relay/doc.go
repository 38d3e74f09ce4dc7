// Package relay holds the tests of the relay daemons that need a real systemd: relaybin itself knows no other package of bisc,
// so they cannot live there.
package relay
