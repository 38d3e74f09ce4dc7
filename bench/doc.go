// Bench runs bisc beside its rivals: Debian's ansible-core (as it comes, and pipelined) and ansible-mitogen. Same lab host, same
// content, same delay proxy, one run of each in turn, so that whatever else the machine does hits all of them; the
// median of the runs counts. It prints tables, and writes them into docs/benchmarks.md with --write.
package main
