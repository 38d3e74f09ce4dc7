// Package validator stands in for agave-validator 3.1.9 in the lab, and for what its image has beside it: the start script
// entrypoint.sh, agave-ledger-tool and solana-keygen. All are one static program; its name says which it is.
//
// What is like the real one, as bisc's operations meet it: the process's and its threads' names; the options, and clap's refusal of
// unknown ones; the lock on the ledger; the admin socket; a start whose RPC is silent while a snapshot is unpacked and indexed, then
// a slot that closes up to the cluster's; writes and fsyncs in ledger, accounts and log all the time, so that a frozen file system
// leaves threads in D state; SIGTERM that does nothing to PID 1; an exit that is asked for on the admin socket, ends with a line in
// the log and status 0; archives in the snapshot folder that it did not make are purged.
//
// What is not: no gossip with others, no shreds, no accounts. Its slot follows the clock of package slot, its blockstore is a file
// of lines, its start takes a second.
//
// The file .lab.json in the ledger (type Fault) changes its behaviour. Each start, refusal, exit and purge is a line of .lab-runs in
// the folder of its log (type Run), so that a test can tell how many processes there ever were.
package validator
