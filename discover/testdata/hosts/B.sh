# Variant B after the run that had to mount: Ansible's mount module has rewritten the line and lost nofail and the order
# (incident 14), and the rbind is its source's peer (incident 13).
data
mount --rbind /srv/solana /srv/kind/solana
echo "/srv/solana /srv/kind/solana none rbind 0 0" >>/etc/fstab
systemctl daemon-reload
