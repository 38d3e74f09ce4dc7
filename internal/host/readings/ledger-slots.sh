# $1 = pid of a validator, $2 = its start in ticks since boot, $3 = its ledger as it sees it, $4 = how many slots below the highest
# are wanted, $5 = a slot that is wanted as well, or 0, where it is no more than $6 below the highest. The ledger tool that lies
# beside the validator's own program is run in its mount namespace, as its user, nicely: it opens the blockstore as a secondary
# reader, beside the validator. Prints the bounds in the tool's words, then "slot N PARENT FULL" of each slot with data ("-" where
# the tool does not tell the parent), "from N" and, when the tool has told all, "end". Exit 3: it could not look; 4: there is no
# ledger tool there.
pid=$1 start=$2 ledger=$3 depth=$4 low=$5 most=$6
[ "$(id -u)" = 0 ] || { echo "another's mount namespace takes root" >&2; exit 3; }
now=$(sed 's/.*) //' "/proc/$pid/stat" | cut -d' ' -f20)
[ -n "$now" ] && [ "$now" = "$start" ] || { echo "process $pid is another one by now" >&2; exit 3; }
uid=$(awk '$1 == "Uid:" { print $2 }' "/proc/$pid/status") gid=$(awk '$1 == "Gid:" { print $2 }' "/proc/$pid/status")
program=$(readlink "/proc/$pid/exe") || exit 3
program=${program% (deleted)}
tool=
for dir in "${program%/*}" /usr/local/bin /usr/bin /solana-release/bin; do # a link there may lead where only the validator sees
  found=/proc/$pid/root$dir/agave-ledger-tool
  { [ -e "$found" ] || [ -L "$found" ]; } && tool=$dir/agave-ledger-tool && break
done
[ -n "$tool" ] || { echo "there is no agave-ledger-tool where the validator is" >&2; exit 4; }
look() { timeout 13 nice -n 10 nsenter -t "$pid" -m -r -w -S "$uid" -G "$gid" -- "$tool" -l "$ledger" blockstore "$@"; }
bounds=$(look bounds) || exit 3
printf '%s\n' "$bounds" | grep -a '^Ledger' | head -n 1
high=$(printf '%s\n' "$bounds" | sed -n 's/^Ledger has data for .* \([0-9][0-9]*\)$/\1/p' | head -n 1)
[ -n "$high" ] || exit 0
from=$((high > depth ? high - depth : 0))
[ "$low" -gt 0 ] && [ "$low" -lt "$from" ] && [ $((high - low)) -le "$most" ] && from=$low
{ look print --starting-slot "$from" --ending-slot "$high" && echo bisc-end; } | awk -v from="$from" '
$1 == "Slot" && $2 ~ /^[0-9]+$/ { slot = $2; parent = "-" }
match($0, /parent_slot: Some\([0-9]+\)/) { parent = substr($0, RSTART + 18, RLENGTH - 19) }
match($0, /is_full: (true|false)/) && slot != "" { print "slot", slot, parent, substr($0, RSTART + 9, RLENGTH - 9); slot = "" }
$0 == "bisc-end" { print "from", from; print "end" }'
exit 0
