# $1... = major:minor in decimal. /proc/PID/mountinfo is read once for each mount namespace: of the first process in it whose
# mountinfo could be read. One that ends meanwhile (a zombie has no namespace either) leaves its namespace to the next.
[ "$(id -u)" = 0 ] && [ -r /proc/self/mountinfo ] || { echo "cannot read /proc of others" >&2; exit 3; }
seen=' '
for d in /proc/[0-9]*; do
  pid=${d#/proc/}
  [ "$pid" = $$ ] && continue
  ns=$(readlink "$d/ns/mnt" 2>/dev/null) || continue
  case "$seen" in *" $ns "*) continue ;; esac
  if ! table=$(cat "$d/mountinfo" 2>/dev/null); then
    readlink "$d/ns/mnt" >/dev/null 2>&1 || continue
    echo "cannot read the mounts of process $pid" >&2
    exit 3
  fi
  seen="$seen$ns "
  printf '%s\n' "$table" | while read -r _ _ dev _ target _; do
    for want in "$@"; do
      [ "$dev" = "$want" ] && printf 'mount %s %s %s\n' "$dev" "$pid" "$target"
    done
  done
done
for want in "$@"; do
  for h in /sys/dev/block/"$want"/holders/*; do
    [ -e "$h" ] && printf 'holder %s %s\n' "$want" "${h##*/}"
  done
done
# stat prints the device of an open file in decimal (%d) and the device number of an open device node in hex (%t:%T).
find /proc/[0-9]*/fd /proc/[0-9]*/cwd /proc/[0-9]*/root -maxdepth 1 -type l -printf '%p\n' 2>/dev/null |
  while read -r link; do printf '%s\0' "$link"; done |
  xargs -0 -r stat -L -c '%d %t %T %n' 2>/dev/null |
  while read -r dev t T name; do
    pid=${name#/proc/}
    pid=${pid%%/*}
    [ "$pid" = $$ ] && continue
    major=$((dev >> 8 & 0xfff | dev >> 32 & 0xfffff000))
    minor=$((dev & 0xff | dev >> 12 & 0xffffff00))
    rdev=$((0x$t)):$((0x$T))
    for want in "$@"; do
      if [ "$major:$minor" = "$want" ] || [ "$rdev" = "$want" ]; then
        printf 'open %s %s %s\n' "$want" "$pid" "$(readlink "$name")"
      fi
    done
  done
while read -r name type _; do
  [ -b "$name" ] || continue
  set -- "$@"
  dev=$(stat -L -c '%t %T' "$name" 2>/dev/null) || continue
  dev=$((0x${dev% *})):$((0x${dev#* }))
  for want in "$@"; do [ "$dev" = "$want" ] && printf 'swap %s %s\n' "$want" "$name"; done
done </proc/swaps
exit 0
