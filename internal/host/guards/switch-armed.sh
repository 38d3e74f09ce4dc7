# $1 = the folder of an armed dead-man's switch, $2 = its id
[ "$(cat "$1/id" 2>/dev/null)" = "$2" ] || { echo "the dead-man's switch of this change is no more"; exit 10; }
[ ! -e "$1/decided" ] || { echo "the host has decided what becomes of this change"; exit 10; }
exit 0
