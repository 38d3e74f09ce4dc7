# $1 = the reading "uses", $2 = a block device
dev=$(stat -L -c '%F %t %T' -- "$2") || { echo "cannot stat $2"; exit 11; }
case "$dev" in "block special file "*) ;; *) echo "$2 is not a block device"; exit 11 ;; esac
set -- "$1" ${dev##*file }
found=$(sh -c "$1" uses "$((0x$2)):$((0x$3))") || { echo "the uses of the device could not be read"; exit 11; }
[ -z "$found" ] && exit 0
printf '%s\n' "$found" | head -n 5 | tr '\n' ';' | sed 's/;$//'
exit 10
