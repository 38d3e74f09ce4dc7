# From variant B to D (biscayne.md 1.12): the zvol's XFS, and nothing else of it, comes to stand at /srv/kind/solana, and the accounts
# go to a tmpfs. Nothing is copied and nothing is destroyed but the accounts on the ramdisk, which the snapshot makes again. Run it with
# --set variant=D, and say the same in the variables of the plan from then on. The old way to E destroyed the zvol without a copy; a
# copy of 4 TB is the operator's to make, and bisc has no runbook that ends in zfs destroy.

locals {
  # A run goes on under its own plan alone, and one that begins anew cannot ask the API of a node that is down.
  midway = "where a value of the plan or the inventory must be another, this run cannot go on: mend it, then bisc apply --layer storage --layer units --set variant=D, then bisc run after-reboot --set variant=D, which starts the node and the validator"
}

runbook "migrate-storage" {
  layer   = "agave"
  assumes = []
  because = "the accounts are to live on a tmpfs, and the rbind is one more thing that can be covered"

  stage "the plan is for the new variant" {
    on = local.in_kind

    invariant "the variant is D" {
      because   = "the new places are those of the variant that the plan is loaded with: --set variant=D"
      condition = var.variant == "D"
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

  stage "the old places go" {
    on = local.in_kind

    invariant "the validator is stopped" {
      because = "a run that is taken up again comes here straight: somebody may have started the node meanwhile"
      validator_stopped {
        label      = local.pods_of
        kubeconfig = local.config
        namespace  = local.namespace
        node       = local.node
      }
    }
    bind "/srv/kind/solana" {
      source = "/srv/solana"
      absent = true
    }
    mount "/srv/solana/ramdisk" {
      absent = true
      source = "/dev/ram0"
      fstype = "xfs"
    }
    mount "/srv/solana" {
      absent = true
      source = local.device
      fstype = "xfs"
    }
    ramdisk "/dev/ram0" {
      absent = true # brd keeps its memory until it is unloaded, and the tmpfs needs that
    }
  }

  stage "the new places come" {
    on   = local.in_kind
    else = local.midway

    mount "/srv/kind/solana" {
      source   = local.device
      fstype   = "xfs"
      requires = local.after_dev
    }
    tmpfs "/srv/kind/solana/ramdisk" {
      size     = local.me.tmpfs_size
      options  = local.tmpfs_options
      requires = local.tmpfs_requires
    }
    directory {
      label      = "${local.accounts}/accounts"
      owner      = local.me.validator_uid
      group      = local.me.validator_gid
      mode       = "0755"
      must_be_on = local.accounts
    }
    unit "bisc-accounts.service" {
      sections = local.accounts_unit
    }
    drop_in "docker.service/10-bisc-ground" {
      sections = local.gate
    }
  }

  stage "the node is up and sees its folders" {
    on   = local.in_kind
    else = local.midway

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
