# Layer 1: where the ledger, the snapshots and the accounts lie.

layer "storage" {
  on = "biscayne"

  # The base system is asserted, never installed.
  zpool {
    when  = local.zfs
    label = local.me.pool
  }

  # The datasets above the volume, and those that /srv is made of. They are on biscayne; a new pool gets them. overlay=on
  # lets one be mounted where there are files already, as it is on biscayne: what is mounted there first is then covered,
  # which the order of the mounts prevents and the invariants see.
  zfs_dataset {
    for_each   = local.zfs ? local.me.datasets : {}
    label      = each.key
    mountpoint = each.value
    properties = { for name, value in { overlay = "on" } : name => value if each.value != "none" }
  }

  # Protected, which is the default: a volume that says bisc:protect=on is destroyed by nothing of bisc.
  zvol {
    when  = local.zvol
    label = local.me.zvol
    size  = local.me.zvol_size
  }

  # A guard of what follows, as its place says.
  invariant "this ZFS may hold the data" {
    when      = var.variant == "E"
    because   = "before 2.2.8 io_uring on ZFS leaves threads that nothing can kill (OpenZFS 17298): variant E is for later ones"
    condition = fact.zfs.number >= 20208
  }

  zfs_dataset {
    when       = var.variant == "E"
    label      = local.me.dataset
    mountpoint = "/srv/kind/solana"
  }

  filesystem {
    when  = local.xfs
    label = local.device
    type  = "xfs"
  }

  # Variants B, C and plain: data at /srv/solana, accounts on the ramdisk below it.

  mount "/srv/solana" {
    when     = local.ramdisk
    source   = local.device
    fstype   = "xfs"
    requires = local.after_dev
  }

  ramdisk "/dev/ram0" {
    when   = local.ramdisk
    size   = local.me.ramdisk_size
    fstype = "xfs"
  }

  mount "/srv/solana/ramdisk" {
    when     = local.ramdisk
    source   = "/dev/ram0"
    fstype   = "xfs"
    options  = ["noatime", "nodiratime"]
    requires = ["format-ramdisk.service"]
  }

  # B and plain: one recursive bind, made a slave so that an unmount through it never reaches the source, and shared
  # again so that docker accepts it.
  bind "/srv/kind/solana" {
    when        = local.rbind
    source      = "/srv/solana"
    recursive   = true
    propagation = ["rslave", "rshared"]
    requires    = concat(local.after_zfs, ["srv-solana-ramdisk.mount"])
  }

  # C: the devices mounted a second time.
  mount "/srv/kind/solana" {
    when     = var.variant == "C" || var.variant == "D"
    source   = local.device
    fstype   = "xfs"
    requires = local.after_dev
  }

  mount "/srv/kind/solana/ramdisk" {
    when     = var.variant == "C"
    source   = "/dev/ram0"
    fstype   = "xfs"
    options  = ["noatime", "nodiratime"]
    requires = ["format-ramdisk.service", "srv-kind-solana.mount"]
  }

  # D and E: accounts on a tmpfs.
  tmpfs "/srv/kind/solana/ramdisk" {
    when     = local.tmpfs
    size     = local.me.tmpfs_size
    options  = local.tmpfs_options
    requires = local.tmpfs_requires
  }

  directory {
    for_each   = toset(["ledger", "snapshots", "log"])
    label      = "${local.data}/${each.key}"
    owner      = local.me.validator_uid
    group      = local.me.validator_gid
    mode       = "0755"
    must_be_on = local.data
  }

  directory {
    label      = "${local.accounts}/accounts"
    owner      = local.me.validator_uid
    group      = local.me.validator_gid
    mode       = "0755"
    must_be_on = local.accounts
  }

  # What the layers above may assume (reference/biscayne.md 2.2), each by device and not by resemblance, now and after boot.

  invariant "the pool is healthy" {
    when    = local.zfs
    because = "a suspended pool blocks every process that touches it, for good"
    zpool {
      label = local.me.pool
    }
  }

  invariant "the data is XFS on its own device" {
    when    = local.xfs
    because = "io_uring on ZFS leaves threads that nothing can kill; /srv/solana was ZFS for days and looked right"
    mount {
      label  = local.data
      source = local.device
      fstype = "xfs"
    }
  }

  invariant "the data is on its dataset" {
    when    = var.variant == "E"
    because = "unmounted or covered, the same path is a folder of another dataset"
    zfs_dataset {
      label      = local.me.dataset
      mountpoint = local.data
    }
  }

  invariant "the ramdisk is made at boot" {
    when    = local.ramdisk
    because = "without its module's options and its unit the accounts have no file system after a reboot"
    ramdisk {
      label  = "/dev/ram0"
      size   = local.me.ramdisk_size
      fstype = "xfs"
    }
  }

  invariant "the accounts are on the ramdisk" {
    when    = local.ramdisk
    because = "unmounted, the same path is a folder on the data's XFS: accounts land on disk and nothing says so"
    mount {
      label   = local.accounts
      source  = "/dev/ram0"
      fstype  = "xfs"
      options = ["noatime", "nodiratime"]
    }
  }

  invariant "the accounts are on the tmpfs" {
    when    = local.tmpfs
    because = "unmounted, the same path is a folder on the data's file system"
    tmpfs {
      label    = local.accounts
      size     = local.me.tmpfs_size
      options  = local.tmpfs_options
      requires = local.tmpfs_requires
    }
  }

  invariant "the kind node sees the same file systems" {
    when    = local.rbind
    because = "a bind that was covered, or taken before the ramdisk was mounted, shows the node other files"
    bind {
      label       = "/srv/kind/solana"
      source      = local.data
      recursive   = true
      propagation = ["rslave", "rshared"]
    }
  }

  invariant "the kind node sees the data's device" {
    when    = var.variant == "C"
    because = "under /srv/kind the same path is a folder of ZFS when nothing is mounted there"
    mount {
      label  = "/srv/kind/solana"
      source = local.device
      fstype = "xfs"
    }
  }

  invariant "the kind node sees the ramdisk" {
    when    = var.variant == "C"
    because = "unmounted, the node writes accounts to the data's device"
    mount {
      label   = "/srv/kind/solana/ramdisk"
      source  = "/dev/ram0"
      fstype  = "xfs"
      options = ["noatime", "nodiratime"]
    }
  }
}
