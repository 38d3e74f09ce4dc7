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

  # What docker must not start without: the data and the accounts, where the host has them and where the kind node sees them.
  ground = distinct([local.data, local.accounts, "/srv/kind/solana", "/srv/kind/solana/ramdisk"])

  # systemd's names of the mount units. In B and plain the rbind brings /srv/kind/solana/ramdisk, which has no unit of its
  # own; in E zfs-mount mounts /srv/kind/solana.
  unit_of = {
    for path, unit in {
      "/srv/solana"              = "srv-solana.mount"
      "/srv/solana/ramdisk"      = "srv-solana-ramdisk.mount"
      "/srv/kind/solana"         = var.variant == "E" ? "zfs-mount.service" : "srv-kind-solana.mount"
      "/srv/kind/solana/ramdisk" = local.rbind ? "" : "srv-kind-solana-ramdisk.mount"
    } : path => unit if contains(local.ground, path) && unit != ""
  }

  # D's data is a mount that must come first; E's is a dataset.
  tmpfs_options  = ["nodev", "nosuid", "noexec", "nodiratime"]
  tmpfs_requires = var.variant == "D" ? ["srv-kind-solana.mount"] : local.after_zfs

  # Seconds that a validator gets to exit: the grace of its pod.
  exit_grace = 300

  # The validator's cluster, as its host's data says; null where a host has none (a lab's), and then the layers kind and agave are empty.
  v         = try(local.me.validator, null)
  in_kind   = local.v == null ? [] : ["biscayne"]
  cluster   = try(local.v.cluster, "")
  node      = "${local.cluster}-control-plane"
  namespace = "laconic-${local.cluster}"
  pods_of   = "${local.cluster}-deployment"
  config    = try(local.v.kubeconfig, "")

  # What the validator's pod sees, by the name of its volume: the place on the host, under the mount root.
  volumes = {
    validator-ledger    = "/srv/kind/solana/ledger"
    validator-accounts  = "/srv/kind/solana/ramdisk/accounts"
    validator-snapshots = "/srv/kind/solana/snapshots"
    validator-log       = "/srv/kind/solana/log"
  }

  # The same files where no bind is between: what the node sees must be these, by device and inode.
  beneath = {
    validator-ledger    = "${local.data}/ledger"
    validator-accounts  = "${local.accounts}/accounts"
    validator-snapshots = "${local.data}/snapshots"
    validator-log       = "${local.data}/log"
  }

  # Where the node has them: one mount of the whole root, or one a volume (biscayne.md 3.3).
  in_node = { for name, path in local.volumes : name => try(local.v.mount_root, "") != "" ? "/mnt${trimprefix(path, local.v.mount_root)}" : "/mnt/${name}" }

  # Where snapshots are fetched to while a validator runs: it purges archives that are not its own.
  fetched = "${local.data}/bisc-snapshots"
}
