# Takes an unconfirmed change back: put beside what it needs by arm.sh, and run by its timer, at boot, or at once ("now").
# One of "kept" and "reverted" is decided once: by a link, which is made or not, and never half. What was begun is ended by
# whoever comes next.
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C
export PATH LC_ALL
armed=${0%/*} how=$1 failed=0
cd / || exit 1
umask 077
rm -rf -- "$armed/reserve"
ln "$armed/word.reverted" "$armed/decided" 2>/dev/null
# On a disk that cannot be written nothing can be decided, so nothing was kept either: what is no file can still go back.
case $(cat "$armed/decided" 2>/dev/null) in reverted) true ;; '') [ -e "$armed/word.reverted" ] ;; *) false ;; esac || { rm -f /etc/systemd/system/sysinit.target.wants/bisc-deadman-boot.service /etc/systemd/system/bisc-deadman-boot.service; exit 0; }
[ -e "$armed/done" ] && exit 0
sync -f "$armed" 2>/dev/null || sync
true >"$armed/log" # not ":", which would end the shell where the disk is full
say() { echo "$*"; echo "$*" >>"$armed/log"; } 2>/dev/null
try() { # WHAT ARGV...
  what=$1
  shift
  if out=$("$@" 2>&1); then say "$what"; else failed=$((failed + 1)); say "$what: FAILED: $out"; fi
}
put_back() { # CONTENT PATH
  temp=${2%/*}/.bisc-tmp-0-revert-${2##*/}
  mkdir -p -- "${2%/*}" && rm -rf -- "$temp" && { cp -a -- "$1" "$temp" || { rm -rf -- "$temp"; ln -PT -- "$1" "$temp"; }; } && { sync "$temp" 2>/dev/null || sync; } && mv -fT -- "$temp" "$2" && { sync "${2%/*}" 2>/dev/null || sync; }
}
remove() {
  rm -f -- "$1" && { sync "${1%/*}" 2>/dev/null || sync; } || return
  case ${1%/*} in *.wants) rmdir -- "${1%/*}" 2>/dev/null || true ;; esac # as systemctl disable does
}
same() { # CONTENT PATH
  [ -e "$2" ] && ! [ -L "$2" ] && ! [ -L "$1" ] && cmp -s -- "$1" "$2" && [ "$(stat -c '%a %u %g' -- "$1")" = "$(stat -c '%a %u %g' -- "$2")" ]
}
# A table that there was not is emptied, and its chains let everything through, as when it is not there.
tables_back() { # PROGRAM FILE
  {
    cat "$2"
    "$1-save" | sed -n 's/^\*//p' | while read -r table; do
      grep -qx "\*$table" "$2" && continue
      echo "*$table"
      "$1-save" -t "$table" | sed -n 's/^\(:[^ ]* [A-Z]\{1,\}\).*/\1/p' | sed 's/ DROP$/ ACCEPT/'
      echo COMMIT
    done
  } >"$armed/tables" && "$1-restore" <"$armed/tables"
}
# Tables that hold what nft cannot read back are iptables-restore's, and firewalld's is its own: those stay.
nft_back() { # FILE KEPT
  { nft list tables | grep -vxFf "$2" | sed 's/^table/delete table/'; cat "$1"; } >"$armed/ruleset" && nft -f "$armed/ruleset"
}
# firewalld makes its own table again from its files, which are back; that takes all of iptables' rules away, and docker makes
# its own again when it hears of it. What comes after is put on top of that, so that is waited for, for 10 s at most.
firewalld_back() { # FILE
  nft -s list table inet firewalld 2>/dev/null | cmp -s - "$1" && return 0
  firewall-cmd --reload || return
  turn=0 was=
  while [ "$turn" -lt 20 ]; do
    turn=$((turn + 1))
    sleep 0.5
    now=$(iptables-save | sed '/^#/d; s/\[[0-9:]*\]//')
    if [ "$turn" -gt 3 ] && [ "$now" = "$was" ]; then return 0; fi
    was=$now
  done
}
filter_back() {
  for at in "$armed"/[0-9]*; do
    [ -e "$at/firewall" ] || continue
    if [ -e "$at/firewalld" ] && firewall-cmd --state >/dev/null 2>&1; then try "rules of firewalld as before" firewalld_back "$at/firewalld"; fi
    [ -e "$at/nft" ] && try "rules of nft as before" nft_back "$at/nft" "$at/kept-tables"
    for p in iptables ip6tables; do [ -e "$at/$p" ] && try "rules of $p as before" tables_back "$p" "$at/$p"; done
  done
}
routes_back() { # 4|6 FILE
  ip "-$1" route flush table main && { ip "-$1" route restore <"$2" 2>/dev/null; [ "$(ip "-$1" route save table main 2>/dev/null | wc -c)" -ge "$(wc -c <"$2")" ]; }
}
enabled_back() { # UNIT STATE
  now=$(systemctl is-enabled -- "$1" 2>/dev/null)
  [ "$now" = "$2" ] && return 0
  case $now in masked*) systemctl unmask -- "$1" || return ;; esac
  case $2 in
  enabled) systemctl enable -- "$1" ;;
  disabled) systemctl disable -- "$1" ;;
  masked) systemctl mask -- "$1" ;;
  esac
}
act_back() { xargs -0 sh -c 'exec "$@"' sh; }
active_back() { # UNIT STATE
  systemctl reset-failed -- "$1" 2>/dev/null
  case $2 in
  'not there') systemctl stop -- "$1" 2>/dev/null || true ;;
  active | activating | reloading) systemctl reload-or-restart -- "$1" ;;
  *) systemctl stop -- "$1" ;;
  esac
}
units= netplan= loaded=
for at in "$armed"/[0-9]*; do
  [ -e "$at/path" ] || continue
  path=$(cat "$at/path")
  case $path in /etc/systemd/system/* | /lib/systemd/* | /usr/lib/systemd/*) units=1 ;; /etc/netplan/*) netplan=1 ;; esac
  if [ -e "$at/absent" ]; then
    if [ -e "$path" ] || [ -L "$path" ]; then try "removed $path" remove "$path"; fi
  elif ! same "$at/content" "$path"; then
    try "put back $path" put_back "$at/content" "$path"
  fi
done
for at in "$armed"/[0-9]*; do
  if [ -e "$at/unit" ] && [ -s "$at/enabled" ]; then
    unit=$(cat "$at/unit")
    was=$(cat "$at/enabled")
    [ "$(systemctl is-enabled -- "$unit" 2>/dev/null)" = "$was" ] || try "$unit $was again" enabled_back "$unit" "$was"
  fi
done
# Also at boot: systemd reads the units of the whole boot before the first of them runs, and would do what was taken back.
[ -z "$units" ] || try "systemd read its files again" systemctl daemon-reload
# At boot nothing else has read the files yet, and the kernel's own state is new.
if [ "$how" != boot ]; then
  for at in "$armed"/[0-9]*; do
    [ -e "$at/key" ] && try "sysctl $(cat "$at/key") as before" sh -c 'cat "$1" >"/proc/sys/$2"' sh "$at/value" "$(cat "$at/key")"
  done
  filter_back
  [ -z "$netplan" ] || try "netplan applied" netplan apply
  for at in "$armed"/[0-9]*; do
    [ -e "$at/unit" ] && try "$(cat "$at/unit") is $(cat "$at/active") again, with its files read" active_back "$(cat "$at/unit")" "$(cat "$at/active")"
    case $(cat "$at/unit" 2>/dev/null) in bisc-net-* | firewalld.* | nftables.* | netfilter-persistent.* | iptables.* | ufw.* | fail2ban.*) loaded=1 ;; esac
  done
  [ -z "$loaded" ] || filter_back # a unit that starts puts its own rules in, and takes others away
  for at in "$armed"/[0-9]*; do
    [ -e "$at/act" ] || continue
    if [ -e "$at/may-fail" ]; then act_back <"$at/act" >/dev/null 2>&1; else try "$(tr '\0' ' ' <"$at/act")" act_back <"$at/act"; fi
  done
  for at in "$armed"/[0-9]*; do
    for f in 4 6; do [ -s "$at/routes$f" ] && try "IPv$f routes as before" routes_back "$f" "$at/routes$f"; done
  done
fi
say "reverted ($how)"
echo "$failed" >"$armed/done.new" && mv -f -- "$armed/done.new" "$armed/done"
rm -f /etc/systemd/system/sysinit.target.wants/bisc-deadman-boot.service /etc/systemd/system/bisc-deadman-boot.service
sync
exit 0
