# $1 = the image's reference, $2 = its id, $3 = the node's container. What it writes last tells how far it is. docker save writes no
# more than a little beyond the image's size, so the share is held below all of it.
set -euo pipefail
ref=$1 id=$2 node=$3
has=$(docker image inspect -f '{{.Id}} {{.Size}}' "$ref")
[ "${has% *}" = "$id" ] || { echo "on the host $ref is ${has% *}, not $id: nothing was loaded" >&2; exit 1; }
size=${has#* }
how_far() {
  local line n
  while IFS= read -r -d $'\r' line || [ -n "$line" ]; do
    n=${line%% *}
    case $n in '' | *[!0-9]*) continue ;; esac
    n=$((n * 100 / (size > 0 ? size : 1)))
    echo "$((n > 99 ? 99 : n))% of $((size >> 20)) MiB"
  done
}
docker save "$ref" | dd bs=1M iflag=fullblock status=progress 2> >(how_far) | docker exec -i "$node" ctr -n k8s.io images import -
