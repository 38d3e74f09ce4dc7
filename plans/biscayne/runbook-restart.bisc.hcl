# The same pod's successor, on the same node (biscayne.md 1.6), and the same with a new start of the node (1.4 with restart_kind).

runbook "restart" {
  layer   = "agave"
  because = "the validator takes up a new configuration or image, or leaks"

  include "stop" {}
  include "start" {}
}

# The gates of the layers below are those of a running node, which may be what ails: what is below is proved in its own stage.
runbook "restart-node" {
  layer   = "agave"
  assumes = ["storage", "units"]
  because = "the node must see mounts that it does not see, or ails itself"

  include "stop" {}

  stage "the node starts again" {
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
      label           = local.node
      cluster         = local.cluster
      kubeconfig      = local.config # it is up when it is Ready
      running         = true
      restarted_after = run.started
    }
  }

  stage "the node sees its folders" {
    on = local.in_kind

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
