# The two repositories at named commits (biscayne.md 1.7), the deployment's folder made from them, and the image (1.7, 4.2). Nothing is
# restarted by sync-tools.
variable "laconic_so_commit" {
  type        = string
  default     = ""
  description = "sync-tools: the commit of stack-orchestrator, 40 hexadecimal digits; empty leaves it"
}

variable "stack_commit" {
  type        = string
  default     = ""
  description = "sync-tools: the commit of agave-stack, 40 hexadecimal digits; empty leaves it"
}

variable "discard" {
  type        = string
  default     = ""
  description = "sync-tools: the digest of the local changes that may be passed, as bisc run sync-tools --plan shows it; they are saved as a patch first"
}

runbook "sync-tools" {
  layer   = "kind"
  assumes = []
  because = "laconic-so or the stack's specification is to be another commit"

  stage "the repositories are at their commits" {
    on = local.in_kind

    git_checkout {
      when    = var.laconic_so_commit != ""
      label   = local.v.laconic_repository
      remote  = local.v.laconic_remote
      commit  = var.laconic_so_commit
      user    = local.v.user
      discard = var.discard
    }
    git_checkout {
      when    = var.stack_commit != ""
      label   = local.v.stack_repository
      remote  = local.v.stack_remote
      commit  = var.stack_commit
      user    = local.v.user
      discard = var.discard
    }
  }

  stage "the folder is made of them" {
    on = local.in_kind

    laconic_deployment {
      label      = local.v.deployment
      program    = local.v.laconic_so
      repository = local.v.laconic_repository
      stack      = local.v.stack
      spec       = local.v.spec
      cluster_id = local.cluster
      kubeconfig = local.config
      namespace  = local.namespace
      node       = local.node
      state      = "created"
      config     = local.v.env
    }
  }
}

# The image goes to the host and to the node while the old one runs; the validator is down for its own restart only.
runbook "upgrade-image" {
  layer   = "agave"
  because = "the validator is to run another image"

  stage "the node has the image" {
    on = local.in_kind

    image {
      label    = local.v.image
      node     = local.node
      id       = local.v.image_id
      external = local.v.image_id == null
      flags    = local.start_flags
    }
  }

  include "stop" {}
  include "start" {}
}

# Only when nothing uses the volumes: a claim in use goes when its pod does, and takes the validator's place with it (biscayne.md 1.8).
runbook "fix-volumes" {
  layer   = "agave"
  because = "a volume's path or claim is stale, and the validator's pod waits for it"

  stage "nothing uses them" {
    on = local.in_kind

    invariant "the validator is stopped" {
      because = "a volume is made anew by deleting it: bisc run stop first"
      validator_stopped {
        label      = local.pods_of
        kubeconfig = local.config
        namespace  = local.namespace
        node       = local.node
      }
    }
    # stop's own: what a runbook names it may act under.
    invariant "it stays stopped" {
      because = "an apply would start it between a volume's end and its return: bisc run stop sets the hold"
      hold "stop" {
        match   = "agave.*"
        because = "stopped by the runbook stop"
      }
    }
  }

  stage "each volume is where the node has it" {
    on = local.in_kind

    kube_volume {
      for_each   = local.volumes
      label      = each.key
      kubeconfig = local.config
      namespace  = local.namespace
      cluster_id = local.cluster
      node       = local.node
      host_path  = each.value
      capacity   = local.v.capacity[each.key]
    }
  }
}
