# $1 = a zvol or dataset
found=$(zfs get -H -o value bisc:protect "$1") || { echo "zfs did not tell whether $1 is protected"; exit 11; }
[ "$found" = on ] || exit 0
echo "$1 is protected (bisc:protect=on)"
exit 10
