# $1 = a path, $2 = the SHA-256 of its content in hex, or "absent"
if [ ! -e "$1" ] && [ ! -L "$1" ]; then
  [ "$2" = absent ] && exit 0
  echo "$1 is gone"
  exit 10
fi
[ -f "$1" ] && [ ! -L "$1" ] || { echo "$1 is not a plain file any more"; exit 10; }
sum=$(sha256sum <"$1") || { echo "$1 could not be read"; exit 11; }
[ "${sum%% *}" = "$2" ] && exit 0
echo "$1 has changed since it was read"
exit 10
