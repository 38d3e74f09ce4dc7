# $1 = the reading "blank", $2 = a block device
signature=$(blkid -p -o export -- "$2")
case $? in
2) ;;
0) echo "$2 holds $(echo "$signature" | grep -v '^DEVNAME=' | tr '\n' ' ' | sed 's/ $//')"; exit 10 ;;
8) echo "$2 holds several signatures"; exit 10 ;;
*) echo "blkid could not look at $2"; exit 11 ;;
esac
found=$(sh -c "$1" blank "$2") || { echo "$2 could not be read"; exit 11; }
case "$found" in
"size 0"*) echo "$2 has no size"; exit 10 ;;
*" data"* | *partition*) echo "$2 holds unknown bytes or partitions: $(echo "$found" | tr '\n' ' ' | sed 's/ $//')"; exit 10 ;;
*"first zero"*"last zero"*"middle zero"*) exit 0 ;;
esac
echo "the contents of $2 could not be judged"
exit 11
