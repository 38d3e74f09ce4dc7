# $1 = a plain file
[ -f "$1" ] || { echo "no plain file" >&2; exit 3; }
exec tail -c 65536 -- "$1"
