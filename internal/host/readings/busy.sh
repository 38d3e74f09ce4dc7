# $uses_text = the reading "uses", $1 = major:minor, $2... = mount points as /proc/self/mountinfo writes them, which go
# together when the first is unmounted. Prints every use of the file system but those mounts, and but their copies in
# other namespaces to which the unmounting propagates (systemd's services have such): a copy goes where the mount that it
# stands on receives from the one that ours stands on, at the same folder. A container's copy does not, and is a use.
dev=$1
shift
uses=$(sh -c "$uses_text" uses "$dev") || exit 3
here=$(readlink /proc/self/ns/mnt) || exit 3
among() {
  point=$1
  shift
  for target in "$@"; do [ "$target" = "$point" ] && return 0; done
  return 1
}
# look PID ID: sets root, point and rest of the mount with that id
look() {
  while read -r id _ _ root point rest; do [ "$id" = "$2" ] && return 0; done <"/proc/$1/mountinfo"
  return 1
}
# groups: what is propagated from the mounts that ours stand on; folder: where ours stand, within those
groups=' ' folder=
while read -r id up on _ target _; do
  [ "$on" = "$dev" ] && among "$target" "$@" || continue
  look self "$up" || continue
  folder=${root%/}${target#"${point%/}"}
  for word in ${rest%% - *}; do
    case "$word" in shared:*) groups="$groups${word#*:} " ;; esac
  done
done </proc/self/mountinfo
was=
while [ "$was" != "$groups" ]; do
  was=$groups
  while read -r _ _ _ _ _ rest; do
    shared= master=
    for word in ${rest%% - *}; do
      case "$word" in shared:*) shared=${word#*:} ;; master:*) master=${word#*:} ;; esac
    done
    [ -n "$shared" ] && [ -n "$master" ] || continue
    case "$groups" in *" $shared "*) continue ;; *" $master "*) groups="$groups$shared " ;; esac
  done </proc/self/mountinfo
done
# goes PID PATH: tells whether the mount there goes with ours
goes() {
  ups=
  while read -r _ up on _ target _; do
    [ "$on $target" = "$dev $2" ] && ups="$ups$up "
  done <"/proc/$1/mountinfo"
  [ -n "$ups" ] || return 1
  for up in $ups; do
    look "$1" "$up" && [ "${root%/}${2#"${point%/}"}" = "$folder" ] || return 1
    receives=
    for word in ${rest%% - *}; do
      case "$word" in shared:* | master:*) case "$groups" in *" ${word#*:} "*) receives=1 ;; esac ;; esac
    done
    [ -n "$receives" ] || return 1
  done
}
printf '%s\n' "$uses" | while read -r what number pid path; do
  [ -n "$what" ] || continue
  if [ "$what" = mount ] && [ "$(readlink "/proc/$pid/ns/mnt")" = "$here" ]; then
    among "$path" "$@" && continue
  elif [ "$what" = mount ]; then
    goes "$pid" "$path" && continue
  fi
  printf '%s %s %s %s\n' "$what" "$number" "$pid" "$path"
done
exit 0
