# The real hosts. Facts and their sources: reference/biscayne.md section 9. Values that no source gives are marked.

host "abernathy" {
  platform  = "linux"
  address   = "abernathy.ch2.vaasl.io"
  user      = "rix"
  jump_only = true
  # power and console: in no source
}

host "biscayne" {
  platform = "linux"
  address  = "biscayne.vaasl.io"
  user     = "rix"
  become   = true
  via      = host.abernathy
  # power and console, which bisc shows where the host is cut off or its validator is stuck, are in no source: write the commands here.

  data = {
    # Storage. The pool and the zvol are as they stand; how the zvol was created is in no source, so volblocksize is not
    # declared and whatever it is stays.
    pool      = "biscayne"
    zvol      = "biscayne/DATA/volumes/solana"
    zvol_size = "4T"
    dataset   = "biscayne/DATA/srv/kind/solana"
    datasets = {
      "biscayne/DATA"          = "none"
      "biscayne/DATA/volumes"  = "none"
      "biscayne/DATA/srv"      = "/srv"
      "biscayne/DATA/srv/kind" = "/srv/kind"
    }
    block_device = "/dev/disk/by-id/not-on-biscayne" # variant "plain" only
    ramdisk_size = "600GiB"
    tmpfs_size   = "1024GiB"

    # The validator's container runs as agave, uid 1000; the host's solana is 20029 (incident ag-7e1).
    validator_uid = 1000
    validator_gid = 1000

    # Sysctls that agave asks for.
    sysctls = {
      "net.core.rmem_max"     = "134217728"
      "net.core.rmem_default" = "134217728"
      "net.core.wmem_max"     = "134217728"
      "net.core.wmem_default" = "134217728"
      "vm.max_map_count"      = "1000000"
    }

    # Ubuntu 24.04's names of the packages that must not move under a running validator.
    held_packages = ["docker-ce", "containerd.io"]

    # The validator's cluster (biscayne.md 1.0, 3, 4, 9). What no source gives is marked, and is to be read on the host first.
    validator = {
      cluster            = "laconic-70ce4c4b47e23b85"
      kubeconfig         = "/home/rix/.kube/config"
      user               = "rix"
      deployment         = "/srv/deployments/agave"
      laconic_so         = "/home/rix/.local/bin/laconic-so"
      laconic_repository = "/home/rix/stack-orchestrator"
      laconic_remote     = null # its address is in no source: write it here before bisc run sync-tools
      stack_repository   = "/srv/deployments/agave-stack"
      stack_remote       = null # as above
      stack              = "/srv/deployments/agave-stack/stack-orchestrator/stacks/agave"
      spec               = "/srv/deployments/agave/spec.yml"
      mount_root         = "/srv/kind"
      restart_policy     = "on-failure:1" # kind's own

      image    = "laconicnetwork/agave:local"
      image_id = null                                           # no source gives it: bisc run start takes what the host has; write it here once it is known
      identity = "9gpFgMABtfeDXdscLB7PK4me4NcZ8tB8aJNS8PABoTR3" # since about 03-14; 4WeLUxfQghbhsLEuwaAzjZiHg2VBw87vqHc4iZrGvKPr before (biscayne.md 9)

      rpc          = "http://127.0.0.1:8899"
      cluster_rpc  = "https://api.mainnet-beta.solana.com"
      max_behind   = "60s"
      min_headroom = "48GiB" # no source gives it: about a twentieth of the pod's limit (921600M to 1024000M, biscayne.md 3.2; incident 28)

      # What gossip, the RPC and shreds need (biscayne.md 3.2, 3.3): of the container each once, and mapped to the node by docker.
      ports     = ["8899/tcp", "8001/udp"]
      published = ["8899/tcp", "8001/udp", "9000/udp"]

      reachable = {} # ADDRESS:PORT = entrypoint; with relay_design "ashburn" "137.239.194.65:8001" = "entrypoint.mainnet-beta.solana.com:8001"

      # More than 20,000 slots behind is too old (biscayne.md 4.7).
      snapshot_max_behind = "20000"
      snapshot_fresh      = "500"
      complete_run        = 600      # slots, more than snapshot_fresh
      full_every          = 100000   # slots between the validator's own fulls: at 1000 each paused replay for 15 minutes (incident 35)
      min_speed           = "20MiB"  # a second
      bandwidth           = "250MiB" # a second: at 400 the management address was rate-limited (incident 36)
      fetch_speed         = "170MiB" # a second, as fetched: 107 GB in about 10 minutes (biscayne.md 4.6); measured anew by bisc snapshot find
      known_sources       = []

      # What the pod's environment must say, beside what laconic-so's specification says.
      env = {
        AGAVE_MODE         = "rpc"
        RPC_PORT           = "8899"
        DYNAMIC_PORT_RANGE = "9000-10000"
        LIMIT_LEDGER_SIZE  = "50000000"
        JITO_ENABLE        = "false" # stock agave has no such flags, and would not start
        PUBLIC_TVU_ADDRESS = "64.92.84.81:20000"
      }
      env_absent = ["GOSSIP_HOST", "PUBLIC_RPC_ADDRESS"]

      capacity = {
        validator-snapshots = "200Gi"
        validator-ledger    = "2Ti"
        validator-accounts  = "800Gi"
        validator-log       = "10Gi"
      }
    }

    # The relay. was-sw01 sends what its mirror port sees over Ethernet4/1 and the backbone to this host's own address, as socat
    # did (biscayne.md 5.1). Not seen by anybody yet, and to be looked at before the first apply: that the switch's packets carry
    # Ethernet4/1's address; that the way back lets them in (rp_filter); that they come in by eno1, as turbine's do.
    relay = {
      sockets = {
        ip        = "186.233.184.235:9100" # where socat sent to, in its form, so that either end can be replaced first
        sequenced = "186.233.184.235:9101"
      }
      unwrap = {
        allow      = "172.16.1.188/32" # was-sw01's Ethernet4/1
        match-addr = "64.92.84.81"     # what the shreds were sent to, where they come as IP packets
        match-port = "20000"
        # The TVU of the validator, which lives in the kind node. The old script sent to 127.0.0.1:9000, and shreds arrived: docker
        # takes the host's port there to the node. The node's own address needs nobody between.
        to      = "172.20.0.2:9000"
        on-link = "true" # before docker has made kind's network, the default route would take them out by eno1
      }
      # On the device by which shreds come in: what the host passes on through its bridge is outgoing there, and a tap takes none of that.
      meter = {
        path      = "name=direct,device=eno1,port=9000,to=186.233.184.235;name=relay,device=eno1,port=9101,form=sequenced,to=186.233.184.235"
        reference = "direct"
      }

      # For relay_design = "dnat": what the switch redirects, where to, and what the meter then hears.
      meter_dnat = {
        path      = "name=direct,device=eno1,port=9000,to=186.233.184.235;name=relay,device=eno1,port=20000,to=64.92.84.81"
        reference = "direct"
      }
      # For relay_design = "ashburn" (biscayne.md 5.5): the tunnel's ends, and the address that peers see. As the tunnel's packets
      # come in by eno1 inside GRE, the meter listens on the tunnel.
      ashburn = {
        local     = "186.233.184.235"
        remote    = "209.42.167.137" # mia-sw01's Loopback101
        inside    = "169.254.100.1/31"
        far       = "169.254.100.0"
        address   = "137.239.194.65"
        node      = "172.20.0.2"
        nodes     = "172.20.0.0/16"
        probe     = "34.83.231.102" # an entrypoint of mainnet: any address that is reached by Ashburn does
        agave     = "3.1"
        firewalld = true
      }
      meter_ashburn = {
        path      = "name=ashburn,device=gre-ashburn,port=9000,to=137.239.194.65"
        reference = "ashburn"
      }

      advertised_address = "64.92.84.81"
      advertised_port    = "20000"
      tvu                = "172.20.0.2:9000"

      # Beside those for agave: bursts wait here between the host and the node's end of its veth.
      sysctls = {
        "net.core.netdev_max_backlog" = "16384"
      }

      # What check wants to see. The clocks of switch and host must agree to that delay; 9101 is open to the world, which knocks.
      live           = true
      max_delay      = "100ms"
      min_run        = "30s"
      expected_drops = ["source"]
    }
  }
}

host "was-sw01" {
  platform = "eos"
  address  = "137.239.200.198" # Management1
  user     = "install"
  become   = true # enable
  hostname = "laconic-was-sw01"
  # power and console: in no source

  data = {
    # Beside what bisc takes for the second manager's anywhere (docs/switches.md).
    foreign = []

    relay = {
      uplink     = "Ethernet1/1"  # 64.92.84.81, where turbine's packets come in
      via_device = "et4_1"        # the kernel's name of Ethernet4/1, the backbone
      next_hop   = "172.16.1.189" # mia-sw01's end of it
      host       = "186.233.184.235"
      to         = "186.233.184.235:9101" # shredunwrap's port for the form sequenced
      metrics    = "127.0.0.1:9465"
    }
  }
}

host "mia-sw01" {
  platform = "eos"
  # The old inventory's address is Ethernet1/1, 209.42.167.133; the seeds name Management1, 209.42.167.130. The
  # inventory's was the one in use.
  address  = "209.42.167.133"
  user     = "install"
  become   = true # enable
  hostname = "laconic-mia-sw01"
  # power and console: in no source

  data = {
    foreign = []

    relay = {
      next_hop = "172.16.1.188" # was-sw01's end of the backbone
    }
  }
}

host "dfw-sw01" {
  platform = "eos"
  hostname = "laconic-dfw-sw01"
  # power and console: in no source
  address = "laconic-dfw-sw01" # in no source but by this name: give it a HostName in ~/.ssh/config
  user    = "install"
  become  = true # enable
}
