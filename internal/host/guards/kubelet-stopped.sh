# $1 = the text of the reading kubelet, $2 = a kind node's name: no kubelet of it is at work, nor will systemd start one
said=$(sh -c "$1" kubelet "$2" 2>&1) || { echo "whether the kubelet of $2 is stopped is not known: $said"; exit 11; }
[ "$said" = none ] && exit 0
case "$said" in *"
process "*) echo "the kubelet of $2 is at work: it would start the validator again"; exit 10 ;; esac
case "$said" in *"state inactive" | *"state failed") exit 0 ;; esac
echo "the kubelet of $2 is not stopped ($(printf '%s\n' "$said" | tail -n 1)): it would start the validator again"
exit 10
