# Before and after a reboot of the host (incidents 2, 46). bisc does not reboot: it says when that is safe, and what the boot has left
# otherwise than it was.

runbook "prepare-reboot" {
  layer   = "agave"
  assumes = []
  because = "the host is to be rebooted, by its operator"

  # What the boot will make of the host: each of these has a half that only shows after it. It is looked at while the validator still runs.
  stage "the next boot will be in order" {
    on = local.in_kind

    invariant "docker waits for its ground" {
      because = "docker would start the node over folders that are not mounted yet"
      drop_in "docker.service/10-bisc-ground" {
        sections = local.gate
      }
    }
    invariant "the data comes back" {
      when    = local.xfs
      because = "a mount that fstab does not have is gone after the boot"
      mount {
        label  = local.data
        source = local.device
        fstype = "xfs"
      }
    }
    invariant "the data's dataset comes back" {
      when    = var.variant == "E"
      because = "unmounted or covered, the same path is a folder of another dataset"
      zfs_dataset {
        label      = local.me.dataset
        mountpoint = local.data
      }
    }
    invariant "the accounts come back" {
      when    = local.ramdisk
      because = "a ramdisk has no file system after a boot unless its unit makes one"
      ramdisk {
        label  = "/dev/ram0"
        size   = local.me.ramdisk_size
        fstype = "xfs"
      }
    }
    invariant "the accounts are mounted again" {
      when    = local.ramdisk
      because = "a ramdisk that fstab does not mount leaves the accounts on the data's device"
      mount {
        label   = local.accounts
        source  = "/dev/ram0"
        fstype  = "xfs"
        options = ["noatime", "nodiratime"]
      }
    }
    invariant "the accounts' tmpfs comes back" {
      when    = local.tmpfs
      because = "a tmpfs that fstab does not mount leaves the accounts on disk"
      tmpfs {
        label    = local.accounts
        size     = local.me.tmpfs_size
        options  = local.tmpfs_options
        requires = local.tmpfs_requires
      }
    }
    invariant "the kind node will see the same file systems" {
      when    = local.rbind
      because = "a bind that fstab does not have, or has before what it shows, leaves the node other files"
      bind {
        label       = "/srv/kind/solana"
        source      = local.data
        recursive   = true
        propagation = ["rslave", "rshared"]
      }
    }
    invariant "the kind node will see the data's device" {
      when    = var.variant == "C"
      because = "under /srv/kind the same path is a folder of ZFS when nothing is mounted there"
      mount {
        label  = "/srv/kind/solana"
        source = local.device
        fstype = "xfs"
      }
    }
    invariant "the kind node will see the ramdisk" {
      when    = var.variant == "C"
      because = "unmounted, the node writes accounts to the data's device"
      mount {
        label   = "/srv/kind/solana/ramdisk"
        source  = "/dev/ram0"
        fstype  = "xfs"
        options = ["noatime", "nodiratime"]
      }
    }
    invariant "the accounts have their folder" {
      because = "the validator's container may not make it"
      unit "bisc-accounts.service" {
        sections = local.accounts_unit
      }
    }
    invariant "the next shutdown lets the validator exit" {
      because = "after-reboot starts it again, and who shuts the host down then may not ask bisc"
      service "bisc-validator-exit.service" {
        enabled = true
      }
    }
    invariant "the next shutdown knows how" {
      because = "its unit may be another than the one that waits for the validator"
      unit "bisc-validator-exit.service" {
        sections = local.exit_unit
      }
    }
    invariant "the next shutdown has the program for it" {
      because = "the unit that lets the validator exit is only as good as the program that it runs"
      file "/usr/local/sbin/bisc-let-validator-exit" {
        content = local.exit_program
        mode    = "0755"
      }
    }
  }

  include "stop" {}

  stage "the node is down" {
    on = local.in_kind

    invariant "the validator is stopped" {
      because = "a node that is stopped under a validator is what a power cycle is needed after"
      validator_stopped {
        label      = local.pods_of
        kubeconfig = local.config
        namespace  = local.namespace
        node       = local.node
      }
    }
    kind_node {
      label   = local.node
      cluster = local.cluster
      running = false
    }
  }
}

# The layers below gate this one: storage and units as they are after the boot, and not only as they were before.
runbook "after-reboot" {
  layer   = "agave"
  assumes = ["storage", "units"]
  because = "the host has booted: its ground is looked at before the node starts, and what the node sees before a stopped validator does"

  # After a boot that nothing prepared the Deployment still wants 1: the validator starts with the node, whoever starts that.
  stage "the node is up and sees its folders" {
    on   = local.in_kind
    else = "where the boot was not prepared, the Deployment still wants 1 and the validator may run already, over what is wrong here: bisc run stop"

    kind_node {
      label      = local.node
      cluster    = local.cluster
      kubeconfig = local.config # it is up when it is Ready
      running    = true
    }
    invariant "the node sees the validator's folders" {
      because = "started over other folders, the validator would fill them"
      kind_node {
        label   = local.node
        cluster = local.cluster
        running = true
        sees    = { for name, path in local.in_node : path => local.beneath[name] }
      }
    }
  }

  include "start" {}
}
