# Arms the dead-man's switch: copies what the revert needs, and sets a timer that outlives bisc, its agent and the
# connection, and a unit that ends the revert at the next boot. $1 state folder, $2 seconds, $3 id, $4 who and why (JSON),
# $5 text of the revert, then words:
#   file PATH              as it is now          kept PATH COPY MODE UID:GID    as it was, of the kept copies
#   none PATH              it was not there      unit NAME      sysctl KEY      firewall      routes
#   act N ARGV...          a command that takes back what only the kernel holds; try N ARGV... where its failure is no news
# Prints "armed", or the reason on stderr and exits 1: then nothing is armed. Exit 3: another one is.
set -u
state=$1 within=$2 id=$3 who=$4 revert=$5
shift 5
armed=$state/armed new=$state/arming
boot=/etc/systemd/system/bisc-deadman-boot.service
wants=/etc/systemd/system/sysinit.target.wants
fail() {
  echo "$*" >&2
  systemctl stop bisc-deadman.timer >/dev/null 2>&1
  rm -f -- "$boot" "$wants/bisc-deadman-boot.service"
  rm -rf -- "$new" "$armed"
  exit 1
}
umask 077
mkdir -p "$state" 2>/dev/null
if [ -e "$armed" ] && ! [ -e "$armed/done" ]; then
  cat "$armed/who" >&2
  exit 3
fi
command -v systemd-run >/dev/null 2>&1 || { echo "systemd-run is not on the host, and the switch hangs on it" >&2; exit 1; }
rm -rf -- "$armed" "$armed.gone" "$new"
mkdir -m 700 "$new" || fail "could not make $new"
printf '%s\n' "$id" >"$new/id" && printf '%s\n' "$who" >"$new/who" && printf '%s\n' "$revert" >"$new/revert" &&
  echo kept >"$new/word.kept" && echo reverted >"$new/word.reverted" || fail "could not write in $new"
# Room for what deciding and reverting write: a disk that the change fills must not keep it from being taken back.
mkdir "$new/reserve" || fail "could not make $new/reserve"
for i in 1 2 3 4; do head -c 16384 /dev/zero >"$new/reserve/$i" || fail "could not write in $new/reserve"; done
n=10000
while [ $# -gt 0 ]; do
  n=$((n + 1))
  at=$new/$n
  mkdir "$at" || fail "could not make $at"
  case $1 in
  file)
    printf '%s' "$2" >"$at/path" || fail "could not write in $at"
    if [ -e "$2" ] || [ -L "$2" ]; then cp -a -- "$2" "$at/content" || fail "could not copy $2"; else : >"$at/absent" || fail "could not write in $at"; fi
    shift 2 ;;
  none)
    printf '%s' "$2" >"$at/path" && : >"$at/absent" || fail "could not write in $at"
    shift 2 ;;
  kept)
    printf '%s' "$2" >"$at/path" && cp -- "$3" "$at/content" && chown -- "$5" "$at/content" && chmod -- "$4" "$at/content" || fail "could not copy $3"
    shift 5 ;;
  unit)
    case $(systemctl show -p LoadState --value -- "$2" 2>/dev/null) in
    # One of bisc's own comes with the change, and goes with it.
    not-found)
      case $2 in bisc-net-*) printf '%s' "$2" >"$at/unit" && echo "not there" >"$at/active" || fail "could not write in $at" ;; *) rmdir "$at" ;; esac
      shift 2
      continue ;;
    esac
    printf '%s' "$2" >"$at/unit" && { systemctl is-active -- "$2" >"$at/active" 2>/dev/null; systemctl is-enabled -- "$2" >"$at/enabled" 2>/dev/null; [ -s "$at/active" ]; } || fail "systemd does not tell of $2"
    shift 2 ;;
  sysctl)
    printf '%s' "$2" >"$at/key" && cat "/proc/sys/$2" >"$at/value" || fail "could not read sysctl $2"
    shift 2 ;;
  firewall)
    : >"$at/firewall"
    for p in iptables ip6tables; do
      if command -v "$p-save" >/dev/null 2>&1; then "$p-save" >"$at/$p" || fail "$p-save failed"; fi
    done
    if command -v nft >/dev/null 2>&1; then
      : >"$at/nft"
      : >"$at/kept-tables"
      nft list tables >"$at/tables" || fail "nft list tables failed"
      while read -r word family table; do
        nft list table "$family" "$table" >"$at/table" || fail "nft list table $family $table failed"
        if [ "$family $table" = "inet firewalld" ]; then
          # It remembers the handles of its rules: put back by another hand they would be none of its any more.
          nft -s list table inet firewalld >"$at/firewalld" || fail "nft list table inet firewalld failed"
          echo "$word $family $table" >>"$at/kept-tables"
        elif grep -Eq 'xt (match|target)' "$at/table"; then
          echo "$word $family $table" >>"$at/kept-tables" # nft cannot read that back: iptables-restore can
        else
          cat "$at/table" >>"$at/nft"
        fi
      done <"$at/tables"
    fi
    shift ;;
  routes)
    for f in 4 6; do
      ip "-$f" route save table main >"$at/routes$f" || fail "ip -$f route save failed"
    done
    shift ;;
  act | try)
    [ "$1" = act ] || : >"$at/may-fail" || fail "could not write in $at"
    n_words=$2
    shift 2
    while [ "$n_words" -gt 0 ]; do
      printf '%s\0' "$1" >>"$at/act" || fail "could not write in $at"
      shift
      n_words=$((n_words - 1))
    done ;;
  *) fail "unknown word $1" ;;
  esac
done
printf '%s\n' '[Unit]' 'Description=Take back an unconfirmed change of bisc' 'DefaultDependencies=no' \
  "ConditionPathExists=$armed/revert" "RequiresMountsFor=$state" 'After=local-fs.target systemd-remount-fs.service' \
  'Before=sysinit.target network-pre.target shutdown.target' 'Conflicts=shutdown.target' '[Service]' 'Type=oneshot' "ExecStart=/bin/sh $armed/revert boot" \
  'SyslogIdentifier=bisc' 'TimeoutStartSec=60' '[Install]' 'WantedBy=sysinit.target' >"$boot" &&
  chmod 644 "$boot" && mkdir -p -m 755 "$wants" && ln -sfn ../bisc-deadman-boot.service "$wants/bisc-deadman-boot.service" || fail "could not write $boot"
sync -f "$new" "$boot" 2>/dev/null || sync
mv -T -- "$new" "$armed" || fail "could not rename $new"
sync -f "$state" 2>/dev/null || sync
systemctl reset-failed bisc-deadman.service bisc-deadman.timer >/dev/null 2>&1
why=$(systemd-run --quiet --collect --unit=bisc-deadman --on-active="$within" --timer-property=AccuracySec=100ms \
  --property=Type=oneshot --property=TimeoutStartSec=300 --property=SyslogIdentifier=bisc \
  --description="Take back an unconfirmed change of bisc" /bin/sh "$armed/revert" timer 2>&1) || fail "systemd-run: $why"
systemctl is-active --quiet bisc-deadman.timer || fail "systemd did not start the timer"
echo "armed, $within s: $who" | systemd-cat -t bisc 2>/dev/null
echo armed
