# $1 = the reading "busy", $2 = major:minor, $3... = mount points as mountinfo writes them
dev=$2 program=$1
n=$((BISC_ARGC - 2))
shift 2
while [ "$n" -gt 0 ]; do # what follows the guard's own arguments is not for it
  set -- "$@" "$1"
  shift
  n=$((n - 1))
done
shift $(($# - (BISC_ARGC - 2)))
found=$(sh -c "$program" busy "$dev" "$@") || { echo "the uses of $dev could not be read"; exit 11; }
[ -z "$found" ] && exit 0
printf '%s\n' "$found" | head -n 5 | tr '\n' ';' | sed 's/;$//'
exit 10
