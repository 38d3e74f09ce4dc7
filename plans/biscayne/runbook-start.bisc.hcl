# The validator starts, on ground that is in order (biscayne.md 1.5).

runbook "start" {
  layer   = "agave"
  because = "the validator is stopped and may run again"

  stage "it has its volumes and its image" {
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
    image {
      label    = local.v.image
      node     = local.node
      id       = local.v.image_id
      external = local.v.image_id == null
      flags    = local.start_flags
    }
  }

  # At no replicas alone: a new template would start a second pod beside the first (incident 8).
  stage "its Deployment is as wanted" {
    on = local.in_kind

    kube_deployment {
      label             = local.pods_of
      kubeconfig        = local.config
      namespace         = local.namespace
      node              = local.node
      container         = "agave-validator"
      image             = local.v.image
      env               = local.v.env
      env_absent        = local.v.env_absent
      strategy          = "Recreate"
      termination_grace = local.exit_grace
      pre_stop          = true
    }
  }

  stage "the validator starts" {
    on = local.in_kind

    # Here too, for a run that is taken up again: what an earlier stage has seen may be otherwise since (the node was started anew).
    invariant "the node sees the validator's folders now" {
      because = "started over other folders, the validator would fill them"
      kind_node {
        label   = local.node
        cluster = local.cluster
        running = true
        sees    = { for name, path in local.in_node : path => local.beneath[name] }
      }
    }
    # That there is one: whose it is the layer's own invariant says, and a value of the inventory that is out of date keeps nobody down.
    invariant "it has its key file" {
      because = "the start script makes a new identity where its key file is missing, and says nothing (incident 26)"
      identity {
        label = "${local.v.deployment}/data/validator-config/validator-identity.json"
      }
    }
    kube_node {
      label      = local.node
      kubeconfig = local.config
      cordoned   = false
    }
    kube_deployment {
      label      = local.pods_of
      kubeconfig = local.config
      namespace  = local.namespace
      node       = local.node
      container  = "agave-validator"
      replicas   = 1
      image_id   = local.v.image_id
    }
  }

  stage "the hold is released" {
    on = local.in_kind

    hold "stop" {
      match  = "agave.*"
      absent = true
    }
  }
}
