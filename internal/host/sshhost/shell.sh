export LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
unset LANGUAGE BASH_ENV ENV CDPATH
cd /
umask 022
# bisc_run LIMIT ARGV... runs a program in a process group of its own where there is timeout(1).
bisc_run() {
  command -v "$2" >/dev/null 2>&1 || { printf '\036bisc-exec %s 2 not found' "$nonce" >&2; return 127; }
  if [ -n "$timeout" ]; then exec timeout -s KILL "$@"; fi
  shift
  exec "$@"
}
bisc_stat() {
  kind= follow=-L
  if [ -L "$1" ] && ! [ -e "$1" ] && ! stat -L -- "$1" >/dev/null 2>&1; then kind=dangling follow=; fi
  s=$(stat $follow -c '%d %i %f %h %u %g %t %T %s %Y' -- "$1") || return 1
  printf '%s %s\000' "$s" "$kind"
  if [ -L "$1" ]; then readlink -n -- "$1"; fi
  printf '\000'
  readlink -f -- "$1" 2>/dev/null
}
bisc_read() {
  if [ -d "$1" ]; then echo 'Is a directory' >&2; return 1; fi
  if [ -e "$1" ] && ! [ -f "$1" ]; then echo 'not a regular file' >&2; return 1; fi
  if [ "$(stat -L -c %s -- "$1" 2>/dev/null || echo 0)" -gt 67108864 ]; then echo 'larger than 64 MiB' >&2; return 1; fi
  exec cat -- "$1"
}
bisc_glob() {
  IFS=
  for f in $1; do if [ -e "$f" ] || [ -L "$f" ]; then printf '%s\000' "$f"; fi; done
}
# bisc_get LIMIT NETWORK ADDRESS PAGE asks for a page. Only loopback addresses: nothing here can tell the host's own others.
bisc_get() {
  case $2 in
  tcp) program=bash ;;
  *) program=curl ;;
  esac
  command -v $program >/dev/null 2>&1 || { printf '\036bisc-exec %s 2 not found' "$nonce" >&2; return 127; }
  if [ $program = bash ]; then
    ip=${3%:*} ip=${ip#[} ip=${ip%]}
    case $ip in 127.*.*.* | ::1) ;; *) echo 'without Perl on the host only its loopback addresses can be asked' >&2; return 1 ;; esac
    set -- "$1" bash -c 'exec 3<>"/dev/tcp/$1/$2" || exit 1
printf "GET %s HTTP/1.1\r\nHost: localhost\r\nUser-Agent: bisc\r\nAccept-Encoding: identity\r\nConnection: close\r\n\r\n" "$3" >&3
head -c 5242881 <&3' x "$ip" "${3##*:}" "$4"
  else
    [ -S "$3" ] || { echo 'No such file or directory' >&2; return 1; }
    grep -q " 00010000 .* $3\$" /proc/net/unix || { echo 'Connection refused' >&2; return 1; }
    set -- "$1" sh -c 'curl -q -sS -i --raw --http1.1 -A bisc -H "Accept:" -H "Accept-Encoding: identity" -H "Connection: close" --unix-socket "$1" "http://localhost$2" | head -c 5242881' x "$3" "$4"
  fi
  if [ -n "$timeout" ]; then exec timeout -s KILL "$@"; fi
  shift
  exec "$@"
}
bisc_token() { sed -n 's/.*"token":\([0-9][0-9]*\).*/\1/p' "$run/lock" 2>/dev/null; }
# bisc_lock JSON takes the lock on descriptor 9, which steps keep open around their programs. The new owner stands in it
# at once, with token 0, which is nobody's; the second writing is no shorter.
bisc_lock() {
  command -v flock >/dev/null 2>&1 || { echo 'fail there is no Perl and no flock(1) on the host: install one of them'; return; }
  mkdir -m 700 "$run" 2>/dev/null
  if [ -L "$run" ] || ! [ -d "$run" ] || ! [ -O "$run" ]; then echo "fail $run is not a folder of ours"; return; fi
  if [ -L "$run/lock" ]; then echo "fail $run/lock is a link"; return; fi
  umask 077
  exec 9<>"$run/lock"
  umask 022
  if ! flock -n 9; then echo "held $(cat "$run/lock")"; exec 9>&-; return; fi
  m=$(bisc_token)
  own=$(printf '%s' "$1" | sed "s/\"token\":0/&,\"pid\":$$/")
  if ! printf '%s' "$own" >"$run/lock"; then echo "fail write $run/lock"; exec 9>&-; return; fi
  mkdir -m 700 "$state" 2>/dev/null
  n=$(cat "$state/token" 2>/dev/null)
  case "$n" in '' | *[!0-9]*) n=0 ;; esac
  if [ "${m:-0}" -gt "$n" ]; then n=$m; fi
  n=$((n + 1))
  if ! { (umask 077; echo "$n" >"$state/token.new") && bisc_sync "$state/token.new" && mv -f "$state/token.new" "$state/token" && bisc_sync "$state"; }; then
    echo "fail write $state/token"; exec 9>&-; return
  fi
  own=$(printf '%s' "$own" | sed "s/\"token\":0/\"token\":$n/")
  if ! printf '%s' "$own" 1<>"$run/lock"; then echo "fail write $run/lock"; exec 9>&-; return; fi
  token=$n
  echo "ok $n"
}
bisc_check() {
  if [ -n "$token" ] && [ "$(bisc_token)" = "$token" ]; then echo ok; else echo "fenced $(cat "$run/lock" 2>/dev/null)"; fi
}
# bisc_step runs what follows if the lock is still ours. This subshell keeps the lock's descriptor until that has ended,
# even if the main shell is killed meanwhile; the program and what it leaves behind do not have it.
bisc_step() {
  case $(bisc_check) in ok) ;; *) printf '\036bisc-fenced %s' "$nonce" >&2; return 76 ;; esac
  ( "$@" ) 9>&-
  return $?
}
# bisc_record WORDS... adds a line to the host's log, and a seal over it and the seal before; see record.go. What stands
# behind the last seal was cut off in the writing.
bisc_record() {
  log=$state/runs.log
  if [ -L "$log" ]; then echo "$log is a link"; return 1; fi
  last=$(tail -n 1 "$log" 2>/dev/null)
  case $last in
  '# '????????????????????????????????????????????????????????????????) ;;
  *)
    if [ -s "$log" ]; then
      n=$(grep -n '^# [0-9a-f]*$' "$log" | tail -n 1 | cut -d: -f1)
      (umask 077; head -n "${n:-0}" "$log" >"$log.new") && mv -f "$log.new" "$log" || return 1
    fi
    last=$(tail -n 1 "$log" 2>/dev/null) ;;
  esac
  if [ "$(wc -c <"$log" 2>/dev/null || echo 0)" -gt 4194304 ]; then
    (umask 077; tail -n 6000 "$log" | sed -n '/^# /,$p' >"$log.new") && bisc_sync "$log.new" && mv -f "$log.new" "$log" || return 1
  fi
  last=${last#??}
  last=${last:-0000000000000000000000000000000000000000000000000000000000000000}
  line="$(date -u +%Y-%m-%dT%H:%M:%SZ) $*"
  sum=$(printf '%s\n%s\n' "$last" "$line" | sha256sum | cut -c1-64)
  why=$( (umask 077; printf '%s\n# %s\n' "$line" "$sum" | cat >>"$log") 2>&1) || { echo "write $log: ${why##*: }"; return 1; }
}
# bisc_begun NOTE records, durably, a step that is about to be done, or ends here.
bisc_begun() {
  case $(bisc_check) in ok) ;; *) printf '\036bisc-fenced %s' "$nonce" >&2; exit 76 ;; esac
  why=$(bisc_record step "$1") && bisc_sync "$state/runs.log" || { printf '\036bisc-record %s %s' "$nonce" "$why" >&2; exit 77; }
}
bisc_sync() { sync "$1" 2>/dev/null || sync; }
bisc_fs() { df -P -- "$dir" 2>/dev/null | sed -n '2s/.*% *//p'; }
bisc_not() { rm -f -- "$tmp"; printf '\036bisc-put %s' "$1" >&2; exit 70; }
# bisc_put PATH MODE UID GID WAS SIZE NAME DIGEST FOLDER NOTE NVERIFY [VERIFY...] [GUARDED...] with the content on stdin; see
# sub put.
bisc_put() {
  path=$1 mode=$2 owner=$3:$4 was=$5 size=$6 name=$7 sum=$8 folder=$9
  shift 9
  note=$1 nv=$2
  shift 2
  dir=${path%/*}
  dir=${dir:-/}
  tmp=$dir/$name
  if ! [ -d "$dir" ]; then printf '\036bisc-put fail create %s: No such file or directory' "$tmp" >&2; exit 70; fi
  trap 'rm -f -- "$tmp"; exit 143' TERM INT HUP
  for old in "$dir"/.bisc-tmp-*; do
    case $old in "$dir/.bisc-tmp-$token-"*) ;; *) rm -f -- "$old" ;; esac
  done
  if [ "$size" -eq -2 ]; then bisc_drop "$@"; return $?; fi
  if [ "$size" -ge 0 ]; then
    why=$( (set -C; umask 077; exec >"$tmp") 2>&1) || { tmp=/nonexistent/bisc; bisc_not "fail create $dir/$name: ${why##*: } (file system at $(bisc_fs))"; }
    why=$(cat 2>&1 >>"$tmp") || bisc_not "fail write $tmp: ${why##*: } (file system at $(bisc_fs))"
    [ "$(wc -c <"$tmp")" -eq "$size" ] || bisc_not "fail write $tmp: it is not complete"
  fi
  why=$(chown -- "$owner" "$tmp" 2>&1) || bisc_not "fail chown $tmp: $why"
  why=$(chmod -- "$(printf %o "$mode")" "$tmp" 2>&1) || bisc_not "fail chmod $tmp: $why"
  bisc_sync "$tmp"
  if [ -n "$sum" ] && [ "$(sha256sum <"$tmp" | cut -c1-64)" != "$sum" ]; then bisc_not digest; fi
  n=$#
  i=0
  if [ "$nv" -gt 0 ]; then
    while [ "$i" -lt "$n" ]; do
      w=$1
      shift
      if [ "$i" -lt "$nv" ]; then
        out=
        while :; do
          case $w in *'{path}'*) out=$out${w%%'{path}'*}$tmp w=${w#*'{path}'} ;; *) out=$out$w; break ;; esac
        done
        w=$out
      fi
      set -- "$@" "$w"
      i=$((i + 1))
    done
    bisc_first "$nv" "$@" </dev/null >&2
    st=$?
    [ "$st" -eq 0 ] || bisc_not "verify $st"
  fi
  shift "$nv"
  case $was in
  '') ;;
  absent) if [ -e "$path" ] || [ -L "$path" ]; then bisc_not changed; fi ;;
  *) if ! [ -e "$path" ] || [ "$(sha256sum <"$path" | cut -c1-64)" != "$was" ]; then bisc_not changed; fi ;;
  esac
  if [ $# -gt 0 ]; then
    "$@" </dev/null
    st=$?
    [ "$st" -eq 0 ] || { rm -f -- "$tmp"; exit "$st"; }
  fi
  if [ -n "$folder" ]; then why=$(bisc_keep 2>&1) || bisc_not "fail keep $path: ${why##*: } (file system at $(dir=$state bisc_fs))"; fi
  why=$(mv -fT -- "$tmp" "$path" 2>&1) || bisc_not "fail rename $tmp to $path: ${why##*: }"
  bisc_sync "$dir"
}
# bisc_drop [GUARDED...] removes a plain file; none is as good.
bisc_drop() {
  if [ $# -gt 0 ]; then "$@" </dev/null || return; fi
  if ! [ -e "$path" ] && ! [ -L "$path" ]; then return 0; fi
  if [ -L "$path" ] || ! [ -f "$path" ]; then bisc_not "fail remove $path: it is not a plain file"; fi
  if [ -n "$folder" ]; then why=$(bisc_keep 2>&1) || bisc_not "fail keep $path: ${why##*: } (file system at $(dir=$state bisc_fs))"; fi
  why=$(rm -f -- "$path" 2>&1) || bisc_not "fail remove $path: ${why##*: }"
  bisc_sync "$dir"
}
# bisc_keep keeps what stands at $path; see sub keep.
bisc_keep() {
  if [ -L "$path" ]; then return 0; fi
  if [ -e "$path" ] && ! [ -f "$path" ]; then return 0; fi
  kept=$state/kept/$folder
  for d in "$state/kept" "$kept"; do
    if ! [ -d "$d" ]; then (umask 077; mkdir -- "$d") && bisc_sync "${d%/*}" || return 1; fi
  done
  n=0 last=
  for f in "$kept"/*; do
    f=${f##*/}
    f=${f%.json}
    case $f in '' | *[!0-9]*) continue ;; esac
    if [ "$f" -gt "$n" ]; then n=$f; fi
    if [ -e "$kept/$f.json" ] && [ "$f" -gt "${last:-0}" ]; then last=$f; fi
  done
  n=$((n + 1))
  case $note in *'"secret":true'*) ;; *) if [ -n "$last" ] && grep -q '"secret":true' "$kept/$last.json"; then note=$note',"secret":true'; fi ;; esac
  note=$note$(date -u +',"at":"%Y-%m-%dT%H:%M:%SZ"') || return 1
  if [ -f "$path" ]; then
    (umask 077; cat <"$path" >"$kept/$n") || { rm -f -- "$kept/$n"; return 1; }
    bisc_sync "$kept/$n" || return 1
    s=$(stat -c '%f %u %g %s' -- "$path") || return 1
    set -- $s
    note=$note',"mode":'$((0x$1 & 4095))',"uid":'$2',"gid":'$3',"size":'$4',"digest":"'$(sha256sum <"$kept/$n" | cut -c1-64)'"}'
  else
    note=$note',"absent":true}'
  fi
  (umask 077; printf '%s\n' "$note" >"$kept/$n.new") || { rm -f -- "$kept/$n.new" "$kept/$n"; return 1; }
  bisc_sync "$kept/$n.new" && mv -f -- "$kept/$n.new" "$kept/$n.json" && bisc_sync "$kept" || return 1
  for f in "$kept"/*.json; do
    f=${f##*/}
    f=${f%.json}
    if [ "$f" -le "$((n - versions))" ]; then rm -f -- "$kept/$f.json" "$kept/$f"; fi
  done
}
# bisc_first N WORDS... runs the first N words.
bisc_first() {
  keep=$1 at=0 all=$(($# - 1))
  shift
  while [ "$at" -lt "$all" ]; do
    w=$1
    shift
    [ "$at" -lt "$keep" ] && set -- "$@" "$w"
    at=$((at + 1))
  done
  "$@"
}
bisc_done() {
  printf '\036%s %d %d\n' "$nonce" "$2" "$1"
  printf '\036%s %d %d\n' "$nonce" "$2" "$1" >&2
}
bisc_hello() {
  missing=
  for p in base64 cat chmod chown cut date grep head id mv readlink rm sed sha256sum stat tail uname wc; do
    command -v "$p" >/dev/null 2>&1 || missing="$missing $p"
  done
  printf '%s\000%s\000%s\000%s\000%s\000%s' "$(uname -s)" "$(id -u)" "$$" "$missing" \
    "$(cat /proc/sys/kernel/random/boot_id 2>/dev/null)" "$(cat /etc/machine-id 2>/dev/null)"
}
versions=10
if command -v timeout >/dev/null 2>&1; then timeout=1; else timeout=; fi
