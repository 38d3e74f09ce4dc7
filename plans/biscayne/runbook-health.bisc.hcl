# A verdict and an exit status (biscayne.md 1.9); the original died exactly when the validator was down. Nothing is changed.

runbook "health-check" {
  layer   = "agave"
  assumes = []
  because = "how is it"

  stage "the ground" {
    on = local.in_kind

    invariant "the data is on its device" {
      when    = local.xfs
      because = "the same path may be another file system"
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
    invariant "the accounts are in memory" {
      when    = local.ramdisk
      because = "unmounted, they are on disk and nothing says so"
      mount {
        label   = local.accounts
        source  = "/dev/ram0"
        fstype  = "xfs"
        options = ["noatime", "nodiratime"]
      }
    }
    invariant "the accounts are on their tmpfs" {
      when    = local.tmpfs
      because = "unmounted, they are on disk and nothing says so"
      tmpfs {
        label    = local.accounts
        size     = local.me.tmpfs_size
        options  = local.tmpfs_options
        requires = local.tmpfs_requires
      }
    }
    invariant "the node runs and sees its folders" {
      because = "the validator lives in it"
      kind_node {
        label   = local.node
        cluster = local.cluster
        running = true
        sees    = { for name, path in local.in_node : path => local.beneath[name] }
      }
    }
  }

  stage "the validator" {
    on = local.in_kind

    invariant "its Deployment is as wanted" {
      because = "what runs is what was declared"
      kube_deployment {
        label             = local.pods_of
        kubeconfig        = local.config
        namespace         = local.namespace
        node              = local.node
        replicas          = 1
        container         = "agave-validator"
        image             = local.v.image
        image_id          = local.v.image_id
        env               = local.v.env
        env_absent        = local.v.env_absent
        strategy          = "Recreate"
        termination_grace = local.exit_grace
        pre_stop          = true
      }
    }
    invariant "it is who it was" {
      because = "a start without its key file makes a new identity"
      identity {
        label  = "${local.v.deployment}/data/validator-config/validator-identity.json"
        pubkey = local.v.identity
        rpc    = local.v.rpc
      }
    }
    invariant "it keeps up" {
      because = "a gap that does not close never will"
      validator_health {
        label        = local.cluster
        rpc          = local.v.rpc
        cluster_rpc  = local.v.cluster_rpc
        max_behind   = local.v.max_behind
        snapshots    = local.beneath["validator-snapshots"]
        fetch_speed  = try(local.v.fetch_speed, null)
        min_headroom = try(local.v.min_headroom, null)
      }
    }
    invariant {
      for_each = local.v.reachable
      label    = "peers reach ${each.key}"
      because  = "a validator that peers cannot reach hears of nothing"
      reachable {
        label      = each.key
        entrypoint = each.value
      }
    }
  }

  stage "the relay" {
    on = local.in_kind

    invariant "the meter sees shreds" {
      because = "without it nobody knows whether the relay helps"
      relay_flow "shredmeter" {
        flowing = local.relay.live
        min_run = local.relay.min_run
      }
    }
  }
}
