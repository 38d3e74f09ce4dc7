# $1 = for how many tenths of a second at most, $2... = PID START of processes, START in ticks since boot. Returns when one of them has
# ended, and says so: "ended PID"; or says nothing when the time is over. A name may hold anything; nothing after it has brackets.
left=$1
shift
while :; do
  pid=
  for word; do
    [ -n "$pid" ] || { pid=$word; continue; }
    began=$(sed 's/.*) //' "/proc/$pid/stat" 2>/dev/null | tail -n 1 | cut -d ' ' -f 20)
    [ "$began" = "$word" ] || { echo "ended $pid"; exit 0; }
    pid=
  done
  [ "$left" -gt 0 ] || exit 0
  left=$((left - 1))
  sleep 0.1
done
