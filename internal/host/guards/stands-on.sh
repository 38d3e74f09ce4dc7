# $1 = a mount point, $2 = the major:minor that must be mounted there
found=$(mountpoint -d -- "$1" 2>&1)
case $? in
0) [ "$found" = "$2" ] && exit 0; echo "$found is mounted at $1, not $2"; exit 10 ;;
32) echo "$found"; exit 10 ;;
esac
echo "$found"
exit 11
