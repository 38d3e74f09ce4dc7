# Says what became of a dead-man's switch, and does what is asked: $1 state folder, $2 id, or empty for whichever is
# there, $3 keep (disarm, unless the host has reverted), revert (at once, and wait for it), look, or clear (forget one that
# has reverted). The first line is kept, armed, reverting, "reverted N" (N acts of it failed) or none; after that who, then
# the log.
state=$1 id=$2 want=$3
armed=$state/armed
clean() {
  systemctl stop bisc-deadman.timer >/dev/null 2>&1
  rm -f /etc/systemd/system/sysinit.target.wants/bisc-deadman-boot.service /etc/systemd/system/bisc-deadman-boot.service
  # At once: a revert that begins now finds either the decision or nothing at all.
  rm -rf -- "$armed.gone"
  mv -T -- "$armed" "$armed.gone" && rm -rf -- "$armed.gone"
}
there() { [ -e "$armed/id" ] && { [ -z "$id" ] || [ "$(cat "$armed/id")" = "$id" ]; }; }
if ! there; then
  if [ -n "$id" ] && [ "$(cat "$state/disarmed" 2>/dev/null)" = "$id" ]; then echo kept; else echo none; fi
  exit 0
fi
case $want in keep | revert) rm -rf -- "$armed/reserve" ;; esac
if [ "$want" = keep ]; then ln "$armed/word.kept" "$armed/decided" 2>/dev/null; fi
if [ "$want" = revert ] && ! [ -e "$armed/done" ]; then
  # The unit of the timer does it, so that nothing is done twice; it is not there after a reboot.
  systemctl start bisc-deadman.service >/dev/null 2>&1
  if [ -e "$armed/revert" ] && ! [ -e "$armed/done" ]; then sh "$armed/revert" now 2>&1 | systemd-cat -t bisc 2>/dev/null; fi
fi
case $(cat "$armed/decided" 2>/dev/null) in
kept)
  sync -f "$armed" 2>/dev/null || sync
  (umask 077; cat "$armed/id" >"$state/disarmed.new") && mv -f -- "$state/disarmed.new" "$state/disarmed"
  sync -f "$state" 2>/dev/null || sync
  who=$(cat "$armed/who")
  clean
  if [ "$want" = keep ]; then echo "kept: $who" | systemd-cat -t bisc 2>/dev/null; fi
  echo kept
  printf '%s\n' "$who"
  exit 0 ;;
reverted) if [ -e "$armed/done" ]; then echo "reverted $(cat "$armed/done")"; else echo reverting; fi ;;
*) echo armed ;;
esac
cat "$armed/who"
cat "$armed/log" 2>/dev/null
if [ "$want" = clear ] && [ -e "$armed/done" ]; then clean; fi
exit 0
