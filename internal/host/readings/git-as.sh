# $1 = the user who runs git ("": the one whose the folder is), $2 = the repository's folder. git runs what a repository's
# configuration says, so it never runs as root in a user's repository; safe.directory would refuse root there anyway.
user=$1 path=$2
command -v git >/dev/null || { echo "there is no git (install the package git)" >&2; exit 127; }
[ -n "$user" ] || user=$(stat -c %U -- "$path") || exit 3
uid=$(id -u -- "$user") && gid=$(id -g -- "$user") && home=$(getent passwd -- "$user" | cut -d: -f6) || { echo "no user $user" >&2; exit 4; }
as() { if [ "$(id -u)" = "$uid" ]; then "$@"; else setpriv --reuid="$uid" --regid="$gid" --init-groups -- "$@"; fi; }
clean() {
  as env -i PATH=/usr/local/bin:/usr/bin:/bin HOME="$home" USER="$user" LOGNAME="$user" LC_ALL=C GIT_OPTIONAL_LOCKS=0 GIT_TERMINAL_PROMPT=0 \
    GIT_PAGER=cat GIT_SSH_COMMAND='ssh -o BatchMode=yes' ${SSH_AUTH_SOCK:+SSH_AUTH_SOCK="$SSH_AUTH_SOCK"} "$@"
}
g() { clean git -c core.fsmonitor=false -c core.hooksPath=/dev/null -c core.quotePath=true -C "$path" "$@"; }
# All that the working tree has beyond its commit, untracked files too, as one patch that git apply takes. git diff would refresh the
# index, and write it, whatever GIT_OPTIONAL_LOCKS says (2.39): git status tells what differs, and diff-index how.
patch() {
  opts='-p --binary --full-index --no-color --no-ext-diff --no-textconv --no-renames --src-prefix=a/ --dst-prefix=b/'
  if g rev-parse -q --verify 'HEAD^{commit}' >/dev/null; then
    g status --porcelain=v1 -z --no-renames --untracked-files=no --ignore-submodules=none | sed -z 's/^...//' |
      clean xargs -0 -r sh -c 'opts=$1 path=$2; shift 2; exec git -c core.fsmonitor=false --literal-pathspecs -C "$path" diff-index $opts HEAD -- "$@"' sh "$opts" "$path" || return 1
  fi
  g ls-files -z --others --exclude-standard |
    clean xargs -0 -r -n 1 sh -c 'git -c core.fsmonitor=false -C "$2" diff $1 --no-index -- /dev/null "$3"; [ $? -le 1 ]' sh "$opts" "$path"
}
