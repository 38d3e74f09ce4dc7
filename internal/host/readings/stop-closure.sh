# $1... = units. Follows what systemd itself follows when it stops a unit (seen with systemd 252: each of the five stops).
# systemctl prints a unit with a backslash in its name (one of a path with a dash) in quotes and with the backslash doubled.
# A quote that is still there afterwards is a name that cannot be read. No name is a pattern (set -f), and none goes through
# echo, which eats backslashes.
set -f
todo="$*"
seen=' '
while [ -n "$todo" ]; do
  set -- $todo
  found=$(systemctl show -p RequiredBy,RequisiteOf,BoundBy,ConsistsOf,PropagatesStopTo --value -- "$@") || { echo "systemd does not answer" >&2; exit 3; }
  found=$(printf '%s\n' "$found" | sed 's/"\([^" ]*\)"/\1/g; s/\\\\/\\/g') || exit 3
  case "$found" in *[\"\']*) echo "systemd names a unit that cannot be read" >&2; exit 3 ;; esac
  for u in "$@"; do
    case "$seen" in *" $u "*) ;; *) seen="$seen$u "; printf '%s\n' "$u" ;; esac
  done
  todo=
  for u in $found; do
    case "$seen" in *" $u "*) ;; *) todo="$todo $u" ;; esac
  done
done
exit 0
