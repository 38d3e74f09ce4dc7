# $1 = id, $2 = user or nothing, $3 = folder to work in or nothing, $4 = limit in seconds, $5 = file with the progress or nothing,
# $6... = argv, each "$" of it doubled: systemd takes single ones for its own. The environment comes on stdin, as systemd's
# EnvironmentFile: no list of processes and no D-Bus property shows it. It is gone when systemd looks for it again (the "-"), at the end.
set -eu
umask 077
id=$1 user=$2 dir=$3 limit=$4 progress=$5
shift 5
unit=bisc-job-$id.service folder=/var/lib/bisc/jobs/$id
mkdir -p -- "$folder"
cd "$folder"
exec 9>>lock
flock -w 5 9 || { echo "the job $id is being started by another" >&2; exit 1; }
state=$(systemctl show -p ActiveState --value -- "$unit")
case $state in
inactive) ;;
failed) systemctl reset-failed -- "$unit" ;;
*) echo "the job $id is at work ($unit is $state)" >&2; exit 1 ;;
esac
rm -f status boot started limit progress
[ ! -e output ] || mv -f output output.before
trap 'rm -f "$folder/environment"' EXIT
cat >environment
: >output
printf '%s ' "$@" | tr '\n' ' ' | sed 's/\$\$/$/g; s/ $//' >shown
cat >ended <<'END'
# systemd runs this when the job has ended, however it did, and tells how in these variables (systemd.exec(5)).
cd "${0%/*}" || exit 1
system=$(timeout 5 systemctl is-system-running)
printf '%s %s %s %s %s\n' "${SERVICE_RESULT:-unknown}" "${EXIT_CODE:-unknown}" "${EXIT_STATUS:-unknown}" "$(date +%s)" "${system:-unknown}" >status.new &&
  sync -- status.new output && mv -f status.new status && sync -- .
rm -f environment
END
printf '%s\n' "$limit" >limit
[ -z "$progress" ] || printf '%s\n' "$progress" >progress
date +%s >started
cat /proc/sys/kernel/random/boot_id >boot
sync -- started boot shown ended output .
set -- -- "$@"
[ -z "$dir" ] || set -- -p "WorkingDirectory=$dir" "$@"
[ -z "$user" ] || set -- -p "User=$user" "$@"
systemd-run --quiet --collect --no-ask-password --unit="$unit" --description="bisc's job $id" --service-type=exec \
  -p "RuntimeMaxSec=$limit" -p TimeoutStopSec=30 -p StandardInput=null \
  -p "StandardOutput=append:$folder/output" -p "StandardError=append:$folder/output" \
  -p "EnvironmentFile=-$folder/environment" -p "ExecStopPost=+/bin/sh $folder/ended" "$@" 9>&- && exit
code=$?
# It failed at once, and is looked at as any that has ended; or systemd could not start it (no such user: then nothing runs at its
# end; no such program: 203 and the like).
tries=0
until [ -e status ] || [ "$tries" = 100 ]; do
  case $(systemctl show -p ActiveState --value -- "$unit") in inactive | failed) break ;; esac
  sleep 0.1
  tries=$((tries + 1))
done
[ -e status ] || printf 'not-started none %s %s unknown\n' "$code" "$(date +%s)" >status
case $(cat status) in
not-started\ * | *\ exited\ 2[0-4][0-9]\ *) exit "$code" ;;
esac
