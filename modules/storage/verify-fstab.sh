# $1 = the new fstab
faults() {
  findmnt --verify --tab-file "$1" 2>&1 | grep -e '\[E\]' -e 'parse error at' | grep -v 'unreachable on boot required target' | wc -l
}
command -v findmnt >/dev/null || { echo "there is no findmnt to judge the new fstab" >&2; exit 1; }
was=0
[ -e /etc/fstab ] && was=$(faults /etc/fstab)
now=$(faults "$1")
[ "$now" -le "$was" ] && exit 0
findmnt --verify --tab-file "$1" >&2
exit 1
