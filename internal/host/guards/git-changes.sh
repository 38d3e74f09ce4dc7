# $3 = the SHA-256 of the patch that was saved
sum=$(patch | sha256sum) || { echo "the local changes could not be read"; exit 11; }
[ "${sum%% *}" = "$3" ] && exit 0
echo "the local changes of $path are no longer those that were saved"
exit 10
