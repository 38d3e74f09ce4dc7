# $uses_text = the reading "uses", $1 = major:minor, $2 = a mount point as /proc/self/mountinfo writes it. Prints every use of the
# device but the mount there, its copies in namespaces to which its unmounting propagates (systemd's services have
# such), and holders. A copy that is not coupled, as a container's, is a use.
uses=$(sh -c "$uses_text" uses "$1") || exit 3
here=$(readlink /proc/self/ns/mnt) || exit 3
group=none
while read -r _ _ dev _ target rest; do
  [ "$dev $target" = "$1 $2" ] || continue
  case " ${rest%% - *} " in *" shared:"*) group=${rest#*shared:} group=${group%% *} ;; *) group=none ;; esac
done </proc/self/mountinfo
coupled() {
  [ "$(readlink "/proc/$1/ns/mnt")" = "$here" ] && return 0
  while read -r _ _ dev _ target rest; do
    [ "$dev $target" = "$2 $3" ] || continue
    case " ${rest%% - *} " in *" shared:$group "* | *" master:$group "*) ;; *) return 1 ;; esac
  done <"/proc/$1/mountinfo"
}
printf '%s\n' "$uses" | while read -r what dev pid path; do
  [ -n "$what" ] || continue
  [ "$what $path" = "mount $2" ] && coupled "$pid" "$1" "$2" && continue
  echo "$what $dev $pid $path"
done
exit 0
