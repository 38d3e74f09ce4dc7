# $1 = the reading "stop-closure", $2 = the unit, $3... = units that may stop with it
set -f # no name is a pattern
reading=$1 unit=$2
argc=$BISC_ARGC
found=$(sh -c "$reading" stop-closure "$unit") || { printf 'systemd did not tell what hangs on %s\n' "$unit"; exit 11; }
for u in $found; do
  [ "$u" = "$unit" ] && continue
  i=2 ok=
  for allowed in "$@"; do
    i=$((i + 1))
    [ "$i" -le 4 ] && continue
    [ "$i" -gt $((argc + 2)) ] && break
    [ "$u" = "$allowed" ] && ok=1
  done
  [ -n "$ok" ] && continue
  # What does not run cannot stop.
  case "$(systemctl show -p ActiveState --value -- "$u")" in inactive | failed) ;; *) printf '%s would stop too\n' "$u"; exit 10 ;; esac
done
exit 0
