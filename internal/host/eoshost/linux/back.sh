# back.sh PATH NEXT OLD PLACED: PATH is what it was before place.sh, and the programs that run what took its place end.
[ -z "$2" ] || rm -f "$2" || return 5
[ "$4" = true ] || return 0
if [ -f "$3" ]; then
mv -f "$3" "$1" || return 5
elif [ -e "$3.none" ]; then
rm -f "$1" "$3.none" || return 5
else
return 0 # it was never placed
fi
sync
for p in /proc/[0-9]*; do
if [ "$(readlink $p/exe 2>/dev/null)" = "$1 (deleted)" ] && ! [ $p/exe -ef "$1" ]; then kill ${p#/proc/}; fi
done
return 0
