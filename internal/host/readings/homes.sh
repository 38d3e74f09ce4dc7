# $1 = a kind node's name, or nothing. Tells whose each process of a validator is, by what the kubelet mounts into every container: a file of
# the pod's folder, pods/UID/containers/NAME/. First "now SECONDS" by the host's clock, then a line each of
#   PID START POD CONTAINER NODE GROUP PROGRAM LEDGER
# START in ticks since boot. POD and CONTAINER are - in what is no pod's. NODE is node where the kubelet of $1 keeps that pod, ? where that cannot
# be told (no such node was found, or its disk does not answer), else -. GROUP is the control group; PROGRAM and LEDGER, in base64, are what it
# is asked to exit with. One whose mounts cannot be read, as of one that is ending, has no line. It exits 3 when it could not look.
[ "$(id -u)" = 0 ] && [ -r /proc/1/status ] || { echo "cannot read the process table of others" >&2; exit 3; }
for needed in awk base64 find timeout; do command -v "$needed" >/dev/null || { echo "there is no $needed" >&2; exit 3; }; done
export LC_ALL=C

# limited WORDS does them and gives their status, or 124 after two seconds. What waits for a disk may not even be killed: it is left to itself.
limited() {
  "$@" </dev/null >/dev/null 2>&1 &
  doing=$! turns=0
  while kill -0 "$doing" 2>/dev/null; do
    case $turns in
    [0-4]) sleep 0.02 ;;
    5 | 6 | 7 | 8) sleep 0.5 ;;
    *) kill -KILL "$doing" 2>/dev/null && return 124 ;;
    esac
    turns=$((turns + 1))
  done
  wait "$doing"
}

echo "now $(date +%s)"
node= unsure=- silent=
[ -z "${1:-}" ] || for f in $(grep -slE '^NSpid:[[:blank:]]+[0-9]+[[:blank:]]+1$' /proc/[0-9]*/status); do
  d=${f%/status}
  limited grep -qxF -e "$1" "$d/root/etc/hostname"
  case $? in
  0) node="$node $d" ;;
  124) unsure='?' ;;
  esac
done
[ -z "${1:-}" ] || [ -n "$node" ] || unsure='?'
# By name or by program, as validators.sh knows them, and without a program run for each process there is.
found=$({
  grep -slxE 'agave-validator|solana-validato' /proc/[0-9]*/comm | sed 's|/comm$||'
  find /proc -mindepth 2 -maxdepth 2 -path '/proc/[0-9]*/exe' \( -lname '*/agave-validator' -o -lname '*/agave-validator (deleted)' -o \
    -lname '*/solana-validator' -o -lname '*/solana-validator (deleted)' \) -printf '%h\n' 2>/dev/null
} | sort -u)
for d in $found; do
  program=$(readlink "$d/exe" 2>/dev/null)
  program=${program% (deleted)}
  mounts=$(timeout -s KILL 2 cat "$d/mountinfo" 2>/dev/null) && [ -n "$mounts" ] || continue
  home=$(printf '%s\n' "$mounts" | awk '{
      n = split($4, w, "/")
      for (i = 1; i + 4 <= n; i++) if (w[i] == "pods" && w[i + 2] == "containers" && length(w[i + 1]) == 36) {
        if (home != "" && home != w[i + 1] " " w[i + 3]) two = 1
        home = w[i + 1] " " w[i + 3]
      }
    } END { if (!two) print home == "" ? "- -" : home }')
  [ -n "$home" ] || continue
  of=-
  [ "$home" = "- -" ] || of=$unsure
  [ "$home" = "- -" ] || for n in $node; do # a disk that did not answer once is not asked again
    case "$silent " in *" $n "*) of='?' && continue ;; esac
    limited test -d "$n/root/var/lib/kubelet/pods/${home% *}"
    case $? in
    0) of=node && break ;;
    124) of='?' silent="$silent $n" ;;
    *) limited test -d "$n/root/var/lib/kubelet/pods" || of='?' ;;
    esac
  done
  group=$(awk '{ sub(/^[0-9]+:[^:]*:/, ""); if (length($0) > length(at)) at = $0 } END { gsub(/[^A-Za-z0-9._:\/@+-]/, "?", at); print at == "" ? "?" : at }' "$d/cgroup" 2>/dev/null)
  ledger=$(timeout -s KILL 2 cat "$d/cmdline" 2>/dev/null | tr '\0' '\n' | awk '
    index($0, "--ledger=") == 1 { print substr($0, 10); exit } last == "--ledger" || last == "-l" { print; exit } { last = $0 }')
  start=$(sed 's/.*) //' "$d/stat" 2>/dev/null | tail -n 1 | cut -d ' ' -f 20)
  [ -n "$start" ] || continue
  echo "${d#/proc/} $start $home $of ${group:-?} $(printf %s "${program:-agave-validator}" | base64 -w 0) $(printf %s "${ledger:-ledger}" | base64 -w 0)"
done
exit 0
