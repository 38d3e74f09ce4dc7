# $1 = the device, $2 = its file system's type, $3... = mkfs and its arguments. It ends well where that file system is
# there already, so that what requires the unit goes on, and badly where anything else is. mkfs itself refuses a device
# that is mounted, in whatever namespace.
dev=$1 want=$2
shift 2
found=$(blkid -p -o export -- "$dev")
case $? in
2) ;;
0)
  echo "$found" | grep -qx "TYPE=$want" && { echo "$dev holds $want already"; exit 0; }
  echo "$dev holds something else: it is left alone" >&2
  exit 1 ;;
*) echo "what $dev holds cannot be told: it is left alone" >&2; exit 1 ;;
esac
number=$(mountpoint -x -- "$dev") || exit 1
if grep -qs " $number " /proc/[0-9]*/mountinfo; then
  echo "$dev is mounted" >&2
  exit 1
fi
size=$(blockdev --getsize64 "$dev") || exit 1
for at in 0 $((size - 1048576)); do
  cmp -s -i $at:0 -n 1048576 -- "$dev" /dev/zero || { echo "$dev holds unknown bytes, or cannot be read" >&2; exit 1; }
done
exec "$@"
