say() { printf '%s\t%s\n' "$1" "$(printf %s "$2" | tr '\n\t' '; ')"; }
say machine "$(uname -m)"
say pid1 "$(cat /proc/1/comm)"
say flash "$(findmnt -no FSTYPE,OPTIONS -T /mnt/flash | head -n 1)"
say flash-free "$(df -Pk /mnt/flash | awk 'NR == 2 { print $4 }')"
say namespaces "$(ip netns list | awk '{ print $1 }')"
say namespace "${ns:-the same}"
sshd -T | while read -r option value; do
case $option in
allowtcpforwarding | allowstreamlocalforwarding) say "sshd-$option" "$value" ;;
esac
done
