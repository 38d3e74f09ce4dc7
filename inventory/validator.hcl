# The lab's stand-in for biscayne with a validator: a host with docker, in it a node as kind makes one, in that a pod with a stand-in for
# agave, and laconic-so and a cluster of Solana nodes to go with them. make demo-validator starts them on this machine. The plan is the
# real one; only the data differs.

host "biscayne" {
  platform   = "linux"
  ssh_config = "/run/bisc-validator/ssh_config"
  become     = true

  data = {
    pool      = "biscayne"
    zvol      = "biscayne/DATA/volumes/solana"
    zvol_size = "8GiB"
    dataset   = "biscayne/DATA/srv/kind/solana"
    datasets = {
      "biscayne/DATA"          = "none"
      "biscayne/DATA/volumes"  = "none"
      "biscayne/DATA/srv"      = "/srv"
      "biscayne/DATA/srv/kind" = "/srv/kind"
    }
    block_device = "/dev/vdb"
    ramdisk_size = "512MiB"
    tmpfs_size   = "64MiB"

    validator_uid = 1000
    validator_gid = 1000

    # A lab host may set only what belongs to its network namespace.
    sysctls = {
      "net.ipv4.tcp_keepalive_time" = "600"
    }

    held_packages = ["docker.io", "containerd"]

    validator = {
      cluster            = "laconic-70ce4c4b47e23b85"
      kubeconfig         = "/home/rix/.kube/config"
      user               = "rix"
      deployment         = "/srv/deployments/agave"
      laconic_so         = "/home/rix/.local/bin/laconic-so"
      laconic_repository = "/home/rix/stack-orchestrator"
      laconic_remote     = "/srv/git/stack-orchestrator.git"
      stack_repository   = "/srv/deployments/agave-stack"
      stack_remote       = "/srv/git/agave-stack.git"
      stack              = "/srv/deployments/agave-stack/stack-orchestrator/stacks/agave"
      spec               = "/srv/deployments/agave/spec.yml"
      mount_root         = "/srv/kind"
      restart_policy     = "on-failure:1"

      image    = "laconicnetwork/agave:local"
      image_id = null
      identity = "Ba4y1AkHgxQ4ke4b5h9L6rP4qYwyKtA8TyPv8bvpGcE6"

      rpc         = "http://127.0.0.1:8899"
      cluster_rpc = "http://198.51.100.1:8899"
      max_behind  = "60s"
      ports       = ["8899/tcp"]
      published   = ["8899/tcp"]
      reachable   = {}

      snapshot_max_behind = "20000"
      snapshot_fresh      = "500"
      complete_run        = 600 # slots, more than snapshot_fresh
      full_every          = 1000
      min_speed           = "64KiB"
      bandwidth           = "1GiB"
      fetch_speed         = "64MiB"
      known_sources       = []

      env = {
        AGAVE_MODE         = "rpc"
        RPC_PORT           = "8899"
        DYNAMIC_PORT_RANGE = "9000-10000"
        LIMIT_LEDGER_SIZE  = "50000000"
        JITO_ENABLE        = "false"
        PUBLIC_TVU_ADDRESS = "198.51.100.81:20000"
      }
      env_absent = ["GOSSIP_HOST", "PUBLIC_RPC_ADDRESS"]

      capacity = {
        validator-snapshots = "1Gi"
        validator-ledger    = "1Gi"
        validator-accounts  = "1Gi"
        validator-log       = "1Gi"
      }
    }

    # The relay: nobody sends shreds to this host, so no invariant waits for them.
    relay = {
      sockets = { ip = "127.0.0.1:9100", sequenced = "127.0.0.1:9101" }
      unwrap  = { allow = "127.0.0.0/8", to = "127.0.0.1:9000" }
      meter = {
        path = "name=direct,device=lo,port=9000,not-from=127.0.0.1/32;name=relay,device=lo,port=9000,from=127.0.0.1/32"
      }
      meter_dnat = {
        path = "name=direct,device=lo,port=9000,not-from=127.0.0.1/32;name=relay,device=lo,port=9000,from=127.0.0.1/32"
      }

      ashburn = {
        local     = "192.0.2.10"
        remote    = "192.0.2.11"
        inside    = "169.254.100.1/31"
        far       = "169.254.100.0"
        address   = "198.51.100.65"
        node      = "172.20.0.2"
        nodes     = "172.20.0.0/16"
        probe     = "203.0.113.7"
        agave     = "3.1"
        firewalld = false
      }
      meter_ashburn = {
        path = "name=ashburn,device=lo,port=9000"
      }

      advertised_address = "198.51.100.81"
      advertised_port    = "20000"
      tvu                = "172.20.0.2:9000"

      sysctls = { "net.ipv4.udp_rmem_min" = "8192" }

      live           = false
      max_delay      = "0s"
      min_run        = "0s"
      expected_drops = []
    }
  }
}
