# Variant A (biscayne-boot.yml): the ramdisk in a data file system that was there; nothing for kind.
data
systemctl daemon-reload
