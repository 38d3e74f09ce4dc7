# $1 = the folder of the pieces, $2 = the wanted image's id, $3 = its reference, $4... = the pieces, NUMBER-SHA256
set -e
folder=$1 id=$2 ref=$3
shift 3
cd "$folder"
for piece; do printf '%s  %s\n' "${piece#*-}" "$piece"; done | sha256sum --check --quiet --strict - || { echo "a piece is not what was sent: remove $folder, then again" >&2; exit 1; }
cat -- "$@" | docker load >&2
[ "$(docker image inspect -f '{{.Id}}' "$id")" = "$id" ] || { echo "the archive was loaded, and docker has no image $id" >&2; exit 1; }
docker tag "$id" "$ref"
rm -f -- "$@"
cd /
rmdir -- "$folder"
