# $uses_text = the reading "uses", $1 = major:minor, $2... = mount points as /proc/self/mountinfo writes them, which go
# together when the first is unmounted. Prints every use of the file system but those mounts and their copies in
# namespaces to which the unmounting propagates (systemd's services have such). A copy that is not coupled, as a
# container's, is a use.
dev=$1
shift
uses=$(sh -c "$uses_text" uses "$dev") || exit 3
here=$(readlink /proc/self/ns/mnt) || exit 3
groups=' '
among() {
  point=$1
  shift
  for target in "$@"; do [ "$target" = "$point" ] && return 0; done
  return 1
}
while read -r _ _ on _ target rest; do
  [ "$on" = "$dev" ] && among "$target" "$@" || continue
  case " ${rest%% - *} " in *" shared:"*) rest=${rest#*shared:} groups="$groups${rest%% *} " ;; esac
done </proc/self/mountinfo
coupled() {
  [ "$(readlink "/proc/$1/ns/mnt")" = "$here" ] && return 0
  while read -r _ _ on _ target rest; do
    [ "$on $target" = "$dev $2" ] || continue
    found=
    for word in ${rest%% - *}; do
      case "$word" in shared:* | master:*) case "$groups" in *" ${word#*:} "*) found=1 ;; esac ;; esac
    done
    [ -n "$found" ] || return 1
  done <"/proc/$1/mountinfo"
}
printf '%s\n' "$uses" | while read -r what on pid path; do
  [ -n "$what" ] || continue
  [ "$what" = mount ] && among "$path" "$@" && coupled "$pid" "$path" && continue
  echo "$what $on $pid $path"
done
exit 0
