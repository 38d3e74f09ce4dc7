# A validator is a process whose name or program is agave-validator or solana-validator (the kernel keeps 15
# characters of a name). Zombies count: their io workers may live on. A process that is gone by the time it is looked at
# does not count; one that is there and cannot be read means that nothing is known.
[ "$(id -u)" = 0 ] && [ -r /proc/1/comm ] || { echo "cannot read the process table of others" >&2; exit 3; }
for d in /proc/[0-9]*; do
  pid=${d#/proc/}
  if ! { read -r comm <"$d/comm"; } 2>/dev/null; then
    [ -d "$d" ] && [ -e "$d/comm" ] && { { read -r comm <"$d/comm"; } 2>/dev/null || { [ -d "$d" ] && exit 3; continue; }; }
    [ -d "$d" ] || continue
  fi
  exe=$(readlink "$d/exe" 2>/dev/null)
  exe=${exe##*/}
  case "$comm" in agave-validator | solana-validato) echo "$pid $comm"; continue ;; esac
  case "${exe% (deleted)}" in agave-validator | solana-validator) echo "$pid $comm" ;; esac
done
exit 0
