# $1 = what the ids begin with, $2 = an age in days. Takes jobs off the host that have ended, and of which nothing was written for so long. One
# that is at work or is being started (who starts it holds its lock) stays, and so does one of which it cannot be told. To fail is no reason
# not to go on: these are old folders.
set -u
cd /var/lib/bisc/jobs 2>/dev/null || exit 0
for id in "$1"*; do
  [ -f "$id/lock" ] && [ ! -L "$id" ] || continue
  young=$(find "$id" -mtime "-$2" -print -quit) && [ -z "$young" ] || continue
  (
    exec 9<"$id/lock" && flock -n 9 || exit
    [ "$(systemctl show -p ActiveState --value -- "bisc-job-$id.service")" = inactive ] && rm -rf -- "$id"
  )
done
exit 0
