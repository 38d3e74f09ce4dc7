# $1... = units. Follows what systemd itself follows when it stops a unit (seen with systemd 252: each of the five stops).
todo="$*"
seen=' '
while [ -n "$todo" ]; do
  set -- $todo
  found=$(systemctl show -p RequiredBy,RequisiteOf,BoundBy,ConsistsOf,PropagatesStopTo --value -- "$@") || { echo "systemd does not answer" >&2; exit 3; }
  for u in "$@"; do
    case "$seen" in *" $u "*) ;; *) seen="$seen$u "; echo "$u" ;; esac
  done
  todo=
  for u in $found; do
    case "$seen" in *" $u "*) ;; *) todo="$todo $u" ;; esac
  done
done
exit 0
