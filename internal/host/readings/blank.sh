# $1 = a block device. Prints its size in bytes, whether its first and last MiB hold anything but zeros (every signature
# that blkid, ZFS, LVM or md leave lies there), and the partitions that the kernel knows on it.
size=$(blockdev --getsize64 "$1") || exit 3
num=$(stat -L -c '%t %T' -- "$1") || exit 3
num=$((0x${num% *})):$((0x${num#* }))
span=1048576
[ "$size" -lt "$span" ] && span=$size
look() {
  cmp -s -n "$span" -i "$2:0" -- "$3" /dev/zero
  case $? in
  0) echo "$1 zero" ;;
  1) echo "$1 data" ;;
  *) echo "cannot read $3" >&2; exit 3 ;;
  esac
}
echo "size $size"
look first 0 "$1"
look last $((size - span)) "$1"
for p in /sys/dev/block/"$num"/*/partition; do
  [ -e "$p" ] || continue
  p=${p%/partition}
  echo "partition ${p##*/}"
done
exit 0
