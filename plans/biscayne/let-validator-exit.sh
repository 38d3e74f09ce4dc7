#!/bin/sh
# Lets every validator on this host exit, and waits until it has. Run by systemd before docker stops.
#
# A validator has no handler for SIGTERM (and is PID 1 of its container, so the kernel drops the signal): docker would wait
# and then kill it, in the middle of its writes. It exits cleanly when asked on its admin socket. Kubelet is stopped first,
# or it would start the validator again.
#
# $BISC_GRACE is how many seconds a validator gets. Exit 0: none lives. Exit 1: one still lives; docker will kill it.
set -u
grace=${BISC_GRACE:-300}

# A validator is known by its process's name, of which the kernel keeps 15 characters, or by its program's.
validators() {
  for d in /proc/[0-9]*; do
    { read -r comm <"$d/comm"; } 2>/dev/null || continue
    program=$(readlink "$d/exe" 2>/dev/null)
    program=${program##*/}
    case "$comm" in agave-validator | solana-validato) echo "${d#/proc/}"; continue ;; esac
    case "${program% (deleted)}" in agave-validator | solana-validator) echo "${d#/proc/}" ;; esac
  done
}

# option PID NAME: the value of an option in a process's command line.
option() {
  tr '\0' '\n' <"/proc/$1/cmdline" 2>/dev/null | awk -v o="$2" 'index($0, o "=") == 1 { print substr($0, length(o) + 2); exit } last == o { print; exit } { last = $0 }'
}

# ask PID: asks one validator to exit, with its own program, in its own mount namespace and working directory. Where the
# program was replaced since it started, the new one asks. Without --ledger a validator takes the folder named ledger.
ask() {
  ledger=$(option "$1" --ledger)
  [ -n "$ledger" ] || ledger=$(option "$1" -l)
  program=$(readlink "/proc/$1/exe") || return 1
  exec nsenter -t "$1" -m -w -- "${program% (deleted)}" --ledger "${ledger:-ledger}" exit --force
}

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
echo "no validator lives, after $waited seconds"
