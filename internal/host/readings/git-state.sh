# $3 = a commit that may be wanted, or "". A patch above 8 MiB is not made: "large" and its untracked bytes.
[ -e "$path/.git" ] || {
  [ -e "$path" ] || { echo none; exit 0; }
  [ -d "$path" ] && [ -z "$(ls -A -- "$path")" ] && { echo empty; exit 0; }
  echo other
  exit 0
}
top=$(g rev-parse --show-toplevel) || exit 5
[ "$top" = "$(cd -- "$path" && pwd -P)" ] || { echo "git takes $top for the top of the repository" >&2; exit 5; }
echo "user $user"
echo "head $(g rev-parse -q --verify 'HEAD^{commit}')"
echo "branch $(g symbolic-ref -q --short HEAD)"
echo "remote $(g config --get remote.origin.url)"
[ -n "$3" ] && g cat-file -e "$3^{commit}" 2>/dev/null && echo "has $3"
changed=$(g status --porcelain=v1 --untracked-files=all --ignore-submodules=none) || exit 5
[ -n "$changed" ] || exit 0
printf '%s\n' "$changed" | sed 's/^/changed /'
bytes=$(g ls-files -z --others --exclude-standard | clean sh -c 'cd -- "$0" && xargs -0 -r stat -c %s --' "$path" | awk '{ n += $1 } END { print n + 0 }') || exit 5
[ "$bytes" -le 8388608 ] || { echo "large $bytes"; exit 0; }
echo patch
patch || exit 5
