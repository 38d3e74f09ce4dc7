# $1 = a directory as mountinfo writes it
[ -r /proc/self/mountinfo ] || { echo "cannot read the mount table"; exit 11; }
while read -r _ _ _ _ target _; do
  case "$target" in "$1"/*) echo "$target is mounted below"; exit 10 ;; esac
done </proc/self/mountinfo
exit 0
