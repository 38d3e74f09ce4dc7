# $1 = a block device, $2 = what blkid said of it at the time of the plan (without DEVNAME), $3 = its exit status then
found=$(blkid -p -o export -- "$1")
status=$?
found=$(printf '%s\n' "$found" | grep -v '^DEVNAME=')
case $status in 0 | 2 | 8) ;; *) echo "blkid could not look at $1"; exit 11 ;; esac
[ "$status" = "$3" ] && [ "$found" = "$2" ] && exit 0
echo "$1 no longer holds what was shown: now $(printf '%s' "$found" | tr '\n' ' ')"
exit 10
