# Layer 4: the validator's volumes, its image, its Deployment, and how it does.

layer "agave" {
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
  }

  # Its template changes at 0 replicas alone; bisc run start does that, and so does apply after bisc run stop.
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

  invariant "the advertised TVU address is used" {
    because = "with GOSSIP_HOST set the start script drops --public-tvu-address and says nothing (biscayne.md 4.3)"
    kube_deployment {
      label      = local.pods_of
      kubeconfig = local.config
      namespace  = local.namespace
      node       = local.node
      container  = "agave-validator"
      env_absent = local.v.env_absent
    }
  }

  # Health: seen by check, drift and status; nothing waits for it.

  invariant "its ports are there, each once" {
    because = "without 8001/udp gossip reaches nobody; twice in the container it is a defect of laconic-so's, and taken out for that it was missed (incident 25)"
    kube_deployment {
      label      = local.pods_of
      kubeconfig = local.config
      namespace  = local.namespace
      node       = local.node
      container  = "agave-validator"
      ports      = try(local.v.ports, [])
      published  = try(local.v.published, [])
    }
  }

  invariant "the validator is who it was" {
    because = "a start without its key file makes a new identity and says nothing (incident 26)"
    identity {
      label  = "${local.v.deployment}/data/validator-config/validator-identity.json"
      pubkey = local.v.identity
      rpc    = local.v.rpc
    }
  }

  invariant "the validator keeps up" {
    because = "one that falls behind and does not close the gap never will: bisc run recover"
    validator_health {
      label       = local.cluster
      rpc         = local.v.rpc
      cluster_rpc = local.v.cluster_rpc
      max_behind  = local.v.max_behind
      snapshots   = local.beneath["validator-snapshots"]
      fetch_speed = try(local.v.fetch_speed, null)
    }
  }

  invariant "there is a snapshot to start from" {
    because = "a validator that must start again from an old one replays for hours"
    snapshot {
      label       = "${local.data}/snapshots"
      cluster_rpc = local.v.cluster_rpc
      max_behind  = local.v.snapshot_max_behind
      full_every  = try(local.v.full_every, null)
    }
  }

  invariant {
    for_each = local.v.reachable
    label    = "peers reach ${each.key}"
    because  = "a validator that peers cannot reach hears of nothing, and agave refuses to start (incidents 24, 45)"
    reachable {
      label      = each.key
      entrypoint = each.value
    }
  }
}
