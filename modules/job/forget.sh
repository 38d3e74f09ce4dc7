# $1 = id
set -eu
folder=/var/lib/bisc/jobs/$1
[ -d "$folder" ] || exit 0
exec 9>>"$folder/lock"
flock -w 5 9 || { echo "the job $1 is being started by another" >&2; exit 1; }
rm -rf -- "$folder"
