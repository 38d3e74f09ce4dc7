# $1 = a kind node's name. Tells of its kubelet, without docker and without the API: "node PID START" of the node's first process (START in
# ticks since boot), "state STATE" as the node's systemd says (unknown where it does not answer), "process PID" of each kubelet in it. Or
# "none": no such node lives. It exits 3 when it could not look.
#
# The node's first process is the first of a process namespace just below this one, and its root has the node's name as the host's.
[ -r /proc/1/status ] || { echo "/proc cannot be read" >&2; exit 3; }
node=
for f in $(grep -slE '^NSpid:[[:blank:]]+[0-9]+[[:blank:]]+1$' /proc/[0-9]*/status); do
  d=${f%/status}
  { read -r name <"$d/root/etc/hostname"; } 2>/dev/null || continue
  [ "$name" = "$1" ] || continue
  [ -z "$node" ] || { echo "two containers have the name $1" >&2; exit 3; }
  node=${d#/proc/}
done
[ -n "$node" ] || { echo none; exit 0; }
start=$(sed 's/.*) //' "/proc/$node/stat" 2>/dev/null | tail -n 1 | cut -d ' ' -f 20)
inside=$(readlink "/proc/$node/ns/pid") && [ -n "$start" ] || { echo "the node's first process cannot be read" >&2; exit 3; }
echo "node $node $start"
enter=$(command -v nsenter) || { echo "there is no nsenter" >&2; exit 3; }
path=$(tr '\0' '\n' <"/proc/$node/environ" 2>/dev/null | sed -n 's/^PATH=//p')
state=$(timeout -k 1 8 env PATH="${path:-/usr/sbin:/usr/bin:/sbin:/bin}" "$enter" -t "$node" -m -p -- systemctl is-active kubelet 2>/dev/null)
echo "state ${state:-unknown}"
for d in /proc/[0-9]*; do
  { read -r comm <"$d/comm"; } 2>/dev/null || continue
  [ "$comm" = kubelet ] && [ "$(readlink "$d/ns/pid" 2>/dev/null)" = "$inside" ] && echo "process ${d#/proc/}"
done
exit 0
