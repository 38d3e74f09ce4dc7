# A validator that cannot catch up leaps over the gap (biscayne.md 1.3, 4.7): its ledger has the newest slots already, whole; a
# snapshot within them lets it replay from there. The ledger is kept. The snapshot is fetched first, beside the running validator; what
# it replaces goes last.
variable "leapfrog" {
  type        = bool
  default     = true
  description = "recover: insist on a complete run of slots at the tip of the ledger, with the snapshot inside it"
}

runbook "recover" {
  layer   = "agave"
  because = "the validator is behind and does not close the gap"

  # Longer than the fetched snapshot may be behind: else the snapshot lies before the run, and the gap in front of it.
  stage "the ledger has a complete run of slots" {
    on   = local.in_kind
    when = var.leapfrog

    invariant "a complete run at the tip" {
      because = "without one the validator only trades one gap for another; where it is down there is none to read: --set leapfrog=false"
      complete_run {
        label = local.pods_of
        node  = local.node
        min   = local.v.complete_run
      }
    }
  }

  stage "a snapshot is fetched" {
    on = local.in_kind

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

  stage "the snapshot lies within the run" {
    on   = local.in_kind
    when = var.leapfrog

    invariant "a run that holds the snapshot" {
      because = "a validator replays from its snapshot on: what the run lacks there it would have to ask for again"
      complete_run {
        label    = local.pods_of
        node     = local.node
        min      = local.v.complete_run
        snapshot = local.fetched
      }
    }
  }

  include "stop" {}

  stage "the accounts go" {
    on = local.in_kind

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

  stage "the snapshot takes the place of the old" {
    on = local.in_kind

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

  include "start" {}
}
