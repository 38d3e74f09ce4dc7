# $1... = ids of jobs; none: all that there are. Prints of each what is known, a word and a value a line; texts are base64. The
# status is read before the unit and again after it: a job that ends between is no job that vanished.
[ "$(id -u)" = 0 ] || { echo "the jobs' folder is root's" >&2; exit 3; }
boot=$(cat /proc/sys/kernel/random/boot_id) || exit 3
all=/var/lib/bisc/jobs
if [ $# = 0 ]; then
  for d in "$all"/*/; do
    [ -d "$d" ] || continue
    d=${d%/}
    set -- "$@" "${d##*/}"
  done
fi
value() { [ -e "$all/$2/$1" ] || return 0; printf '%s %s\n' "$1" "$(cat "$all/$2/$1")" || exit 3; }
for id; do
  state=$(systemctl show -p ActiveState --value -- "bisc-job-$id.service") || exit 3
  [ -n "$state" ] || exit 3
  printf 'job %s\nunit %s\nnow %s %s\n' "$id" "$state" "$boot" "$(date +%s)"
  [ -d "$all/$id" ] || continue
  # Who starts a job holds its lock until the unit is there.
  flock -n "$all/$id/lock" true 2>/dev/null || { [ -e "$all/$id/lock" ] && echo starting; }
  for what in boot started limit shown status; do value "$what" "$id"; done
  [ -e "$all/$id/output" ] && printf 'tail %s\n' "$(tail -c 4096 -- "$all/$id/output" | base64 -w 0)"
  if [ -e "$all/$id/progress" ]; then
    at=$(cat "$all/$id/progress")
    [ -f "$at" ] && printf 'progress %s\n' "$(tail -c 4096 -- "$at" | base64 -w 0)"
  fi
done
exit 0
