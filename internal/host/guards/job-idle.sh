# $1 = the id of a job: it must not be running
state=$(systemctl show -p ActiveState --value -- "bisc-job-$1.service") || { echo "systemd did not tell whether the job $1 runs"; exit 11; }
case "$state" in
inactive | failed) exit 0 ;;
"") echo "systemd did not tell whether the job $1 runs"; exit 11 ;;
esac
echo "the job $1 is at work (bisc-job-$1.service is $state)"
exit 10
