# $1 = the reading "validators", $2... = the units about to stop
set -f # no name is a pattern
reading=$1 left=$((BISC_ARGC - 1))
found=$(sh -c "$reading" validators) || { echo "the process table could not be read"; exit 11; }
[ -z "$found" ] && exit 0
shift
for unit in "$@"; do
  [ "$left" -gt 0 ] || break
  left=$((left - 1))
  group=$(systemctl show -p ControlGroup --value -- "$unit") || { printf 'systemd did not tell the control group of %s\n' "$unit"; exit 11; }
  [ -n "$group" ] || continue
  for pid in $(printf '%s\n' "$found" | sed 's/ .*//'); do
    if ! lines=$(cat "/proc/$pid/cgroup" 2>/dev/null); then
      [ -d "/proc/$pid" ] && { echo "the control group of process $pid could not be read"; exit 11; }
      continue
    fi
    # One line a hierarchy: id:controllers:path. The path is cut at the second colon; unit names may hold more.
    for path in $(printf '%s\n' "$lines" | sed 's/^[^:]*:[^:]*://'); do
      case "$path/" in "${group%/}/"*) printf 'validator process %s runs in %s\n' "$pid" "$unit"; exit 10 ;; esac
    done
  done
done
exit 0
