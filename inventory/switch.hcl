# The lab's stand-ins for biscayne and its switches: a host with systemd and two emulated switches that make demo-switch starts on
# this machine. It writes how to reach them (ports of loopback, keys, known_hosts) into an ssh_config. The plan is the real one; only
# the data differs. was-sw01's Ethernet1/1 leads to a turbine peer (203.0.113.80), its Ethernet4/1 straight to the host (192.0.2.1).

host "biscayne" {
  platform   = "linux"
  ssh_config = "/run/bisc-switch/ssh_config"
  become     = true

  data = {
    pool      = "biscayne"
    zvol      = "biscayne/DATA/volumes/solana"
    zvol_size = "1GiB"
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

    # The relay: shreds come from the switch over the host's device bb0, and go to a port where the demo counts them.
    relay = {
      sockets = { ip = "198.51.100.235:9100", sequenced = "198.51.100.235:9101" }
      unwrap = {
        allow      = "192.0.2.0/32" # was-sw01's Ethernet4/1
        match-addr = "203.0.113.81"
        match-port = "20000"
        to         = "127.0.0.1:9000"
      }
      meter = {
        path = "name=direct,device=lo,port=9000,not-from=127.0.0.1/32;name=relay,device=bb0,port=9101,form=sequenced,to=198.51.100.235"
      }
      meter_dnat = {
        path = "name=direct,device=lo,port=9000,not-from=127.0.0.1/32;name=relay,device=bb0,port=20000,to=203.0.113.81"
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

      advertised_address = "203.0.113.81"
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

host "was-sw01" {
  platform   = "eos"
  ssh_config = "/run/bisc-switch/ssh_config"
  become     = true
  hostname   = "lab-was-sw01"
  look_again = "1s" # nobody else saves here each minute

  data = {
    foreign = []

    relay = {
      uplink     = "Ethernet1/1"
      via_device = "et4_1"
      next_hop   = "192.0.2.1"
      host       = "198.51.100.235"
      to         = "198.51.100.235:9101"
      metrics    = "127.0.0.1:9465"
    }
  }
}

host "mia-sw01" {
  platform   = "eos"
  ssh_config = "/run/bisc-switch/ssh_config"
  become     = true
  hostname   = "lab-mia-sw01"
  look_again = "1s"

  data = {
    foreign = []

    relay = {
      next_hop = "192.0.2.2"
    }
  }
}
