# drop.sh FILE...: they go.
for f in "$@"; do
[ -z "$f" ] || rm -f "$f" "$f.none" || return 5
done
sync
