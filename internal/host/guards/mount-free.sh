# $1 = the reading "busy", $2 = major:minor, $3 = a mount point as mountinfo writes it
found=$(sh -c "$1" busy "$2" "$3") || { echo "the uses of $2 could not be read"; exit 11; }
[ -z "$found" ] && exit 0
echo "$found" | head -n 5 | tr '\n' ';' | sed 's/;$//'
exit 10
