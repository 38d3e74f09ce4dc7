# $1 = the reading "validators", $2 = for how many seconds threads that show no progress are watched
found=$(sh -c "$1" validators /proc "$2") || { echo "the process table could not be read"; exit 11; }
[ -z "$found" ] && exit 0
shown=$(printf '%s\n' "$found" | grep -E '^[0-9]+ ' | head -n 3 | while read -r pid comm _ state why; do
  printf 'validator process %s (%s) is %s%s; ' "$pid" "$comm" "$state" "${why:+: $why}"
done)
waits=$(printf '%s\n' "$found" | grep -E '^[0-9]+/' | head -n 1 | { read -r thread comm _ state _ where seconds _ && printf '; thread %s (%s) is in %s at %s for %ss' "${thread#*/}" "$comm" "$state" "$where" "$seconds"; })
printf '%s%s\n' "${shown%; }" "$waits"
exit 10
