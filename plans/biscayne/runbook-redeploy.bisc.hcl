# The validator's namespace is made anew by laconic-so (biscayne.md 1.2). What is wiped is chosen, each by its own name; nothing is by
# default. The cluster stays: where its own configuration must change, kind_config says so.
variable "wipe_accounts" {
  type        = bool
  default     = false
  description = "redeploy: empty the accounts, which are made from the snapshot again"
}

variable "wipe_ledger" {
  type        = bool
  default     = false
  description = "redeploy: empty the ledger, and lose every slot that it has"
}

variable "fresh_snapshot" {
  type        = bool
  default     = true
  description = "redeploy: fetch a snapshot first and start from it; false, with a wipe, insists on a usable pair that is there"
}

runbook "redeploy" {
  layer   = "agave"
  assumes = ["storage", "units"]
  because = "the objects in the cluster are not what laconic-so would make of the specification"

  stage "a snapshot is fetched" {
    on   = local.in_kind
    when = var.fresh_snapshot

    snapshot {
      label       = local.fetched
      fetch       = true
      final       = "${local.data}/snapshots"
      cluster_rpc = local.v.cluster_rpc
      max_behind  = local.v.snapshot_fresh
      min_speed   = local.v.min_speed
      bandwidth   = local.v.bandwidth
      known       = local.v.known_sources
    }
  }

  # Before anything stops: what is wiped is made again from a snapshot alone.
  stage "there is a snapshot to start from" {
    on   = local.in_kind
    when = !var.fresh_snapshot && (var.wipe_accounts || var.wipe_ledger)
    else = "leave fresh_snapshot at true: one is fetched first, beside the running validator. A pair that is there and only too old: --override, by name. Where the RPC of the cluster is silent nobody knows how old it is: mend that first, or give another cluster_rpc"

    invariant "a usable pair" {
      because = "what is wiped is made again from a snapshot, and none is fetched"
      snapshot {
        label       = "${local.data}/snapshots"
        cluster_rpc = local.v.cluster_rpc
        max_behind  = local.v.snapshot_max_behind
      }
    }
  }

  include "stop" {}

  stage "the namespace goes" {
    on = local.in_kind

    invariant "the validator is stopped" {
      because = "a namespace that goes takes its pods with it"
      validator_stopped {
        label      = local.pods_of
        kubeconfig = local.config
        namespace  = local.namespace
        node       = local.node
      }
    }
    kube_namespace {
      label      = local.namespace
      kubeconfig = local.config
      absent     = true
    }
  }

  stage "the accounts are wiped" {
    on   = local.in_kind
    when = var.wipe_accounts

    invariant "the validator is stopped" {
      because = "a run that is taken up again comes here straight: somebody may have started it meanwhile"
      validator_stopped {
        label      = local.pods_of
        kubeconfig = local.config
        namespace  = local.namespace
        node       = local.node
      }
    }
    emptied {
      label = "${local.accounts}/accounts"
    }
  }

  # A stage of its own: where the accounts cannot be emptied, the run ends, and the ledger is still there.
  stage "the ledger is wiped" {
    on   = local.in_kind
    when = var.wipe_ledger

    invariant "the validator is stopped" {
      because = "a run that is taken up again comes here straight: somebody may have started it meanwhile"
      validator_stopped {
        label      = local.pods_of
        kubeconfig = local.config
        namespace  = local.namespace
        node       = local.node
      }
    }
    emptied {
      label = "${local.data}/ledger"
    }
  }

  stage "the snapshot takes the place of the old" {
    on   = local.in_kind
    when = var.fresh_snapshot

    invariant "the validator is stopped" {
      because = "it may be starting from the old one"
      validator_stopped {
        label      = local.pods_of
        kubeconfig = local.config
        namespace  = local.namespace
        node       = local.node
      }
    }
    snapshot {
      label       = "${local.data}/snapshots"
      from        = local.fetched
      cluster_rpc = local.v.cluster_rpc
      max_behind  = local.v.snapshot_max_behind
    }
  }

  # laconic-so starts the pod as it makes its objects. Its prepare does not, and makes no Deployment either; a start after it fails at
  # what it has made. So the node is cordoned: the pod waits, and no validator ever starts on what the wipe or the snapshot has not
  # finished. start takes the cordon back, once the Deployment is as wanted.
  stage "laconic-so makes its objects" {
    on = local.in_kind

    kube_node {
      label      = local.node
      kubeconfig = local.config
      cordoned   = true
    }
    laconic_deployment {
      label      = local.v.deployment
      program    = local.v.laconic_so
      repository = local.v.laconic_repository
      stack      = local.v.stack
      cluster_id = local.cluster
      kubeconfig = local.config
      namespace  = local.namespace
      node       = local.node
      state      = "started"
    }
    kube_deployment {
      label      = local.pods_of
      kubeconfig = local.config
      namespace  = local.namespace
      node       = local.node
      replicas   = 0
    }
  }

  include "start" {}
}
