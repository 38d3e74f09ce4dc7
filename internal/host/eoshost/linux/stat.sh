kind= follow=-L
if [ -L "$1" ] && ! [ -e "$1" ] && ! stat -L -- "$1" >/dev/null 2>&1; then kind=dangling follow=; fi
s=$(stat $follow -c '%d %i %f %h %u %g %t %T %s %Y' -- "$1") || return 1
printf '%s %s\000' "$s" "$kind"
if [ -L "$1" ]; then readlink -n -- "$1"; fi
printf '\000'
readlink -f -- "$1" 2>/dev/null
printf '\000'
cat /proc/self/mountinfo
