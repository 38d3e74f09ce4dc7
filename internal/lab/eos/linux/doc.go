// Package linux is the Linux below an emulated switch: a root file system in memory that each boot makes anew, flash that
// stays, a bash that is real, and the agents that ProcMgr keeps alive. All of it runs in the mount, PID and network
// namespaces of the emulator's process (see Isolate), so that nothing of it is left when that process ends, however it does.
//
// What stands for a fact about EOS names where it is from; [I] and [U] are the tags of the reference: inferred, unknown.
package linux
