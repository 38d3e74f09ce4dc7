# $1 = a directory as mountinfo writes it
[ -r /proc/self/mountinfo ] || { echo "cannot read the mount table"; exit 11; }
while read -r _ _ _ _ target _; do
  case "$target" in "$1"/*) printf '%s is mounted below\n' "$target"; exit 10 ;; esac
done </proc/self/mountinfo
exit 0
