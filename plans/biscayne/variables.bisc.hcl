# The storage of a validator host, in five variants (reference/biscayne.md section 0.3). One variable chooses.
#
#   B      zvol with XFS at /srv/solana, XFS on /dev/ram0 at /srv/solana/ramdisk, rbind to /srv/kind/solana (the seeds')
#   C      zvol and ramdisk mounted a second time, straight under /srv/kind/solana; no rbind
#   D      zvol with XFS at /srv/kind/solana, accounts on a tmpfs
#   E      ZFS dataset at /srv/kind/solana, accounts on a tmpfs; needs ZFS >= 2.2.8 and a graceful exit
#   plain  a block device with XFS where B has the zvol: for hosts without ZFS
variable "variant" {
  type        = string
  default     = "B"
  description = "the storage variant: B, C, D, E or plain"

  validation {
    condition = contains(["B", "C", "D", "E", "plain"], var.variant)
    message   = "variant is B, C, D, E or plain"
  }
}

locals {
  me = host.biscayne

  # What each variant is made of.
  zfs     = var.variant != "plain"
  zvol    = contains(["B", "C", "D"], var.variant)
  xfs     = var.variant != "E"
  ramdisk = contains(["B", "C", "plain"], var.variant)
  tmpfs   = contains(["D", "E"], var.variant)
  rbind   = contains(["B", "plain"], var.variant)

  device = local.zvol ? "/dev/zvol/${local.me.zvol}" : local.me.block_device

  # Where the data and the accounts are, as the kind node will see them under /srv/kind.
  data     = local.tmpfs ? "/srv/kind/solana" : "/srv/solana"
  accounts = "${local.data}/ramdisk"

  # Every mount waits for ZFS: /srv is a dataset, and zfs-mount would otherwise cover what was mounted first
  # (incident bar-02e). zfs-volume-wait waits for the zvols' device links.
  after_zfs = local.zfs ? ["zfs-mount.service"] : []
  after_dev = local.zvol ? concat(local.after_zfs, ["zfs-volume-wait.service"]) : local.after_zfs

  # What docker must not start without.
  ground = distinct(concat([local.data, local.accounts], ["/srv/kind/solana"], var.variant == "C" ? ["/srv/kind/solana/ramdisk"] : []))

  # systemd's names of the mount units.
  unit_of = {
    "/srv/solana"              = "srv-solana.mount"
    "/srv/solana/ramdisk"      = "srv-solana-ramdisk.mount"
    "/srv/kind/solana"         = "srv-kind-solana.mount"
    "/srv/kind/solana/ramdisk" = "srv-kind-solana-ramdisk.mount"
  }

  # Seconds that a validator gets to exit: the grace of its pod.
  exit_grace = 300
}
