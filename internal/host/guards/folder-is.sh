# $1 = a folder, $2 = the number of its device as stat(1) gives it, $3 = its inode
real=$(readlink -e -- "$1") || { echo "$1 is not there"; exit 10; }
[ "$real" = "$1" ] || { echo "$1 is $real: a link is in the way"; exit 10; }
[ -d "$1" ] || { echo "$1 is no folder"; exit 10; }
found=$(stat -c '%d %i' -- "$1") || { echo "$1 could not be looked at"; exit 11; }
[ "$found" = "$2 $3" ] || { echo "$1 is another folder by now"; exit 10; }
