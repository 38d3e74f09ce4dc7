# $1 = a kind node's container. Prints what its containerd has of images, as crictl lists them (JSON). A node whose processes are stuck
# hangs docker exec: it is given up after $2 seconds (none: 8), with 124 or 137.
case $1 in '' | -*) echo "no container's name" >&2; exit 2 ;; esac
exec timeout -k 1 "${2:-8}" docker exec "$1" crictl images -o json
