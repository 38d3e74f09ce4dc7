# $1 = the reading "stop-closure", $2 = the unit, $3... = units that may stop with it
reading=$1 unit=$2
argc=$BISC_ARGC
found=$(sh -c "$reading" stop-closure "$unit") || { echo "systemd did not tell what hangs on $unit"; exit 11; }
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
  case "$(systemctl show -p ActiveState --value -- "$u")" in inactive | failed) ;; *) echo "$u would stop too"; exit 10 ;; esac
done
exit 0
