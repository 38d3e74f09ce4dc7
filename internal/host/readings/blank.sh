# $1 = a block device. Prints its size in bytes, whether its first and last MiB hold anything but zeros (every signature
# that blkid, ZFS, LVM or md leave lies there), and the partitions that the kernel knows on it. Where both are zero it looks
# at 64 KiB in each of 63 places between, evenly: data whose signature was wiped lies there, and to read all of a volume of
# some TiB would take hours.
size=$(blockdev --getsize64 "$1") || exit 3
num=$(stat -L -c '%t %T' -- "$1") || exit 3
num=$((0x${num% *})):$((0x${num#* }))
span=1048576
[ "$size" -lt "$span" ] && span=$size
look() {
  cmp -s -n "$3" -i "$2:0" -- "$1" /dev/zero
  case $? in
  0) found=zero ;;
  1) found=data ;;
  *) echo "cannot read $1" >&2; exit 3 ;;
  esac
}
echo "size $size"
look "$1" 0 "$span"
first=$found
look "$1" $((size - span)) "$span"
printf 'first %s\nlast %s\n' "$first" "$found"
if [ "$first $found" = "zero zero" ]; then
  i=1 step=$((size / 64)) span=65536
  [ "$step" -lt "$span" ] && span=$step
  while [ "$i" -le 63 ] && [ "$found" = zero ] && [ "$span" -gt 0 ]; do
    look "$1" $((step * i)) "$span"
    i=$((i + 1))
  done
  echo "middle $found"
fi
for p in /sys/dev/block/"$num"/*/partition; do
  [ -e "$p" ] || continue
  p=${p%/partition}
  echo "partition ${p##*/}"
done
exit 0
