# place.sh PATH NEXT OLD WAS: PATH becomes what NEXT is (goes, where NEXT is empty), if its content still is WAS. What was there is OLD,
# or OLD.none says that nothing was.
if [ -L "$1" ] || [ -e "$1" -a ! -f "$1" ]; then
echo "$1 is no plain file" >&2
return 4
fi
now=absent
if [ -f "$1" ]; then
now=$(sha256sum <"$1") || return 5
now=${now%% *}
fi
[ -z "$4" ] || [ "$4" = "$now" ] || return 3
rm -f "$3" "$3.none" || return 5
if [ -f "$1" ]; then
ln "$1" "$3" 2>/dev/null || cp -p "$1" "$3" || { rm -f "$3"; return 5; } # a vfat has no links (eos.md D.1)
else
: >"$3.none" || return 5
fi
if [ -n "$2" ]; then mv -f "$2" "$1"; else rm -f "$1"; fi || return 5
sync
