// Package supervise is what the bisc-lab program does while hosts run.
//
// Three things nest. The outer process lives among the machine's own processes, holds the record of what was taken
// from the machine's kernel, and gives it back. The inner one is PID 1 of a PID namespace and has a mount namespace:
// when it dies, by whatever hand, the kernel kills every host and takes every mount down. In it systemd-nspawn runs
// each host, with a PID namespace of the host's own.
package supervise
