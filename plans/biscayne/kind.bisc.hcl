# Layer 3: laconic-so's deployment folder, kind's configuration, and the node that the validator's pod runs in.

layer "kind" {
  on = local.in_kind

  # Which of the two forms is live depends on the laconic-so that made the cluster (biscayne.md 3.3): it is read, never assumed.
  laconic_deployment {
    label      = local.v.deployment
    program    = local.v.laconic_so
    repository = local.v.laconic_repository
    stack      = local.v.stack
    cluster_id = local.cluster
    kubeconfig = local.config
    namespace  = local.namespace
    node       = local.node
    state      = "prepared"
    config     = local.v.env
  }

  kind_node {
    label          = local.node
    cluster        = local.cluster
    running        = true
    restart_policy = local.v.restart_policy
  }

  kube_node {
    label      = local.node
    kubeconfig = local.config
    cordoned   = false
  }

  # What the layer above may assume.

  invariant "the node's configuration lets it see what is mounted later" {
    because = "with propagation None a mount that is made after the node's start stays outside it (bar-02e): the validator writes to what lies below"
    kind_config {
      label       = "${local.v.deployment}/kind-config.yml"
      mount_root  = local.v.mount_root
      propagation = "HostToContainer"
    }
  }

  invariant "the node sees the validator's folders" {
    because = "the same path in the node may be another file system: the validator then fills the host's root disk, or starts on an empty ledger"
    kind_node {
      label   = local.node
      cluster = local.cluster
      running = true
      sees    = { for name, path in local.in_node : path => local.beneath[name] }
    }
  }
}
