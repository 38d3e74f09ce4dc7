#!/bin/sh
# Lets every validator in a container of this host exit, and waits until it has. Run by systemd before docker stops.
#
# A validator has no handler for SIGTERM (and is PID 1 of its container, so the kernel drops the signal): docker would wait
# and then kill it, in the middle of its writes. It exits cleanly when asked on its admin socket. Kubelet is stopped first,
# or it would start the validator again.
#
# $BISC_GRACE is how many seconds a validator gets. Exit 0: none lives in a container. Exit 1: one still does; docker will kill it. One that is
# in no container is not docker's to kill: it is left alone, and named.
#
# With arguments, PID and START (ticks since boot) of each, it asks these processes and no others, stops no kubelet, and waits for
# nobody's end: bisc's validator_exit. Exit 0: each was asked, or is ending or gone. Exit 1: one could not be asked.
set -u
grace=${BISC_GRACE:-300}

# A validator is known by its process's name, of which the kernel keeps 15 characters, or by its program's; one in a container by its
# process namespace, which is not this one, or, where it has the host's (--pid=host), by its control group. One that is ending may have
# no namespace any more, and counts.
contained() {
  [ "$(readlink "/proc/$1/ns/pid")" != "$(readlink /proc/self/ns/pid)" ] ||
    grep -qE 'docker|kubepods|libpod|containerd' "/proc/$1/cgroup" 2>/dev/null
}
validators() { for pid in $(everywhere); do contained "$pid" && echo "$pid"; done; }
others() { for pid in $(everywhere); do contained "$pid" || echo "$pid"; done; }
everywhere() {
  for d in /proc/[0-9]*; do
    { read -r comm <"$d/comm"; } 2>/dev/null || continue
    program=$(readlink "$d/exe" 2>/dev/null)
    program=${program##*/}
    case "$comm" in agave-validator | solana-validato) echo "${d#/proc/}"; continue ;; esac
    case "${program% (deleted)}" in agave-validator | solana-validator) echo "${d#/proc/}" ;; esac
  done
}

# words PID: its command line. Where a stuck thread has locked the memory of its process, reading that waits for it: hence the limit.
words() { timeout -s KILL 2 cat "/proc/$1/cmdline" 2>/dev/null | tr '\0' '\n'; }

# option PID NAME: the value of an option in a process's command line.
option() {
  words "$1" | awk -v o="$2" 'index($0, o "=") == 1 { print substr($0, length(o) + 2); exit } last == o { print; exit } { last = $0 }'
}

# ask PID: asks one validator to exit, with its own program, in its own mount and process namespaces and working directory. Where
# the program was replaced since it started, the new one asks. Without --ledger a validator takes the folder named ledger. The
# program then waits for the process that the validator calls itself: 1, in its container. Outside that is systemd, which does not end.
ask() {
  ledger=$(option "$1" --ledger)
  [ -n "$ledger" ] || ledger=$(option "$1" -l)
  program=$(readlink "/proc/$1/exe") || return 1
  exec $detached nsenter -t "$1" -m -p -w -- "${program% (deleted)}" --ledger "${ledger:-ledger}" exit --force
}

# there PID START: tells whether that process is still there, and not ending. A name may hold anything; nothing after it has brackets. The
# first process of a namespace that ends waits for all others of it to be gone, with the kernel's flag 4 (PF_EXITING) and no Z: what asked it is
# killed meanwhile.
there() {
  set -- "$2" $(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | tail -n 1)
  [ "${21:-}" = "$1" ] && [ $(($8 & 4)) = 0 ] && case "$2" in [ZX]) false ;; esac
}

# ask_seen PID START: asks that process alone. The program that asks goes on waiting by itself; it is watched for three seconds, in
# which one that cannot ask says why, where there is room for that.
ask_seen() {
  there "$1" "$2" || return 0
  words "$1" | grep -qx exit && return 0 # it is one that asks
  said=$(mktemp 2>/dev/null || mktemp -p /run 2>/dev/null) || said=/dev/null
  ask "$1" </dev/null >"$said" 2>&1 &
  asking=$! n=0
  while [ "$n" -lt 30 ] && kill -0 "$asking" 2>/dev/null && there "$1" "$2"; do sleep 0.1; n=$((n + 1)); done
  status=0
  kill -0 "$asking" 2>/dev/null || { wait "$asking" || status=1; }
  there "$1" "$2" || status=0
  [ "$status" = 0 ] || { echo "process $1 could not be asked to exit:"; cat "$said"; } >&2
  if [ "$said" != /dev/null ]; then
    rm -f "$said"
  elif [ "$status" != 0 ]; then
    echo "what it said could not be kept: there is no room in /tmp and /run" >&2
  fi
  return "$status"
}

detached=
if [ $# -gt 0 ]; then
  detached=setsid failed=0
  while [ $# -gt 1 ]; do
    ask_seen "$1" "$2" || failed=1
    shift 2
  done
  exit "$failed"
fi

[ -z "$(others)" ] || echo "validators in no container, which are left alone: $(others | tr '\n' ' ')"
[ -n "$(validators)" ] || exit 0
echo "validators: $(validators | tr '\n' ' ')"

if command -v docker >/dev/null; then
  for node in $(timeout 20 docker ps -q --filter label=io.x-k8s.kind.cluster 2>/dev/null); do
    timeout 20 docker exec "$node" systemctl stop kubelet || echo "kubelet of node $node could not be stopped"
  done
fi

asking=
for pid in $(validators); do
  ask "$pid" &
  asking="$asking $!"
done

waited=0
while [ -n "$(validators)" ]; do
  if [ "$waited" -ge "$grace" ]; then
    echo "after $grace seconds these validators still live: $(validators | tr '\n' ' ')"
    kill $asking 2>/dev/null
    exit 1
  fi
  sleep 1
  waited=$((waited + 1))
done
echo "no validator lives in a container, after $waited seconds"
