# $1 = a network interface's name, $2 = its index when it was seen
now=$(cat "/sys/class/net/$1/ifindex" 2>/dev/null) || { [ -d /sys/class/net ] || { echo "no /sys/class/net"; exit 11; }; printf 'there is no interface %s any more\n' "$1"; exit 10; }
[ "$now" = "$2" ] && exit 0
printf '%s is another interface by now: its index is %s, and was %s\n' "$1" "$now" "$2"
exit 10
