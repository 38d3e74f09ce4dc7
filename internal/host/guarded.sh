n=$1
shift
while [ "$n" -gt 0 ]; do
  text=$1 name=$2 argc=$3
  shift 3
  BISC_ARGC=$argc sh -c "$text" "$name" "$@"
  case $? in
  0) ;;
  10) printf '\036bisc-guard %s\n' "$name" >&2; exit 75 ;;
  *) printf '\036bisc-guard %s\n' "$name" >&2; exit 76 ;;
  esac
  shift "$argc"
  n=$((n - 1))
done
exec "$@"
