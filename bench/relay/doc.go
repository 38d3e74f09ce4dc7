// Relay runs bisc's relay daemons beside what they replace, socat on the switch and a Python unwrapper on the host, in the
// same network namespaces (relaybin/lab), one in turn with the other: loss, processor time, delay, memory. It prints
// the tables, and writes them into a page with --write.
package main
