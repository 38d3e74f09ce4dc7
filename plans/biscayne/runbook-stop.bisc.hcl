# The validator stops, and stays stopped (biscayne.md 1.4, 4.4). Nothing is assumed: it must work on an ailing host.
#
# A pod's grace is what it was made with. Agave ignores SIGTERM, so a short one ends in SIGKILL in the middle of its writes, and that
# is what leaves threads that nothing can kill. So a pod with a short grace is deleted by its UID with a long one first, with the node
# cordoned, so that no second one starts beside it; then the Deployment goes to no replicas, and then agave is asked to exit by its own
# admin socket: asked sooner, the kubelet would only start it again. Who asks is a watch on the host: bisc may die. A pod that somebody has deleted
# before is the one whose validator bisc asks itself, whether or not that watch can begin.

runbook "stop" {
  layer   = "agave"
  assumes = []
  because = "the validator must be down: before work on its storage, its node, its host"

  stage "nothing brings it back" {
    on   = local.in_kind
    else = "where the pod is being deleted already, its grace runs: bisc run stop --plan tells how much of it is left, and how to ask the validator by hand"

    hold "stop" {
      match   = "agave.*"
      because = "stopped by the runbook stop"
    }
  }

  stage "a pod with a short grace gets a long one" {
    on   = local.in_kind
    else = "what is not known is taken for a validator that lives. Where the API does not answer, see with docker ps -a what its node does: docker unpause where it is paused, bisc apply --layer kind where it has ended (that is guarded: no start beside a validator that lives), bisc run stop-without-api where the API stays silent and the validator must go down all the same"

    invariant "the validator is not stuck" {
      because = "from here on its grace runs, and ends in a SIGKILL: what is stuck may thaw in the middle of its writes"
      validator_stopped {
        label      = local.pods_of
        kubeconfig = local.config
        namespace  = local.namespace
        node       = local.node
        may_run    = true
      }
    }
    exit_on_deletion {
      label      = local.pods_of
      kubeconfig = local.config
      namespace  = local.namespace
    }
    kube_node {
      label       = local.node
      kubeconfig  = local.config
      namespace   = local.namespace
      for_pods_of = local.pods_of
      grace_below = local.exit_grace
      cordoned    = true
    }
    kube_pods {
      label       = local.pods_of
      kubeconfig  = local.config
      namespace   = local.namespace
      grace_below = local.exit_grace
      grace       = local.exit_grace
      deleting    = true
    }
  }

  stage "the validator exits" {
    on   = local.in_kind
    else = "go on at once when it is mended: from 0 replicas on the kubelet counts the grace (300 s or more, by the pod), and kills what has not exited by then; a watch on the host asks it to exit meanwhile, also where bisc has died (exit_on_deletion)"

    invariant "the validator is not stuck" {
      because = "from here on its grace runs, and ends in a SIGKILL: what is stuck may thaw in the middle of its writes"
      validator_stopped {
        label      = local.pods_of
        kubeconfig = local.config
        namespace  = local.namespace
        node       = local.node
        may_run    = true
      }
    }
    exit_on_deletion {
      label      = local.pods_of
      kubeconfig = local.config
      namespace  = local.namespace
    }
    kube_deployment {
      label      = local.pods_of
      kubeconfig = local.config
      namespace  = local.namespace
      node       = local.node
      replicas   = 0
      await_pods = false # to wait here would be to wait for the SIGKILL
    }
    validator_exit {
      label      = local.pods_of
      kubeconfig = local.config
      namespace  = local.namespace
      node       = local.node
      grace      = local.exit_grace
      log        = "${local.volumes["validator-log"]}/validator.log"
    }
  }

  stage "it is proved" {
    on = local.in_kind

    invariant "the validator is stopped" {
      because = "nothing after this is safe while a thread of it is left"
      validator_stopped {
        label      = local.pods_of
        kubeconfig = local.config
        namespace  = local.namespace
        node       = local.node
      }
    }
    kube_node {
      label      = local.node
      kubeconfig = local.config
      cordoned   = false
    }
  }
}

# The validator exits though the API does not answer: before a power cycle of a host whose node ails, say. Less than stop: the Deployment
# still wants 1, so the validator starts again with the node or its kubelet, and what stands behind the whole proof stays shut.

runbook "stop-without-api" {
  layer   = "agave"
  assumes = []
  because = "the validator must be down, and stop cannot begin: the API does not answer"

  stage "the validator exits" {
    on   = local.in_kind
    else = "what is not known is taken for a validator that lives. Where the API answers: bisc run stop. Where the node is paused: docker unpause"

    invariant "the API does not answer" {
      because = "where it answers, stop keeps the validator down; here it starts again with its node"
      exit_without_api {
        label      = local.node
        kubeconfig = local.config
        may_run    = true
      }
    }
    hold "stop" {
      match   = "agave.*"
      because = "stopped by the runbook stop-without-api: on the host, with the node's kubelet stopped; it starts again when the node starts"
    }
    exit_without_api {
      label      = local.node
      kubeconfig = local.config
      grace      = local.exit_grace
    }
  }
}
