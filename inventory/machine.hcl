# The virtual machine that stands for biscayne: Debian's kernel, ZFS and the brd ramdisk are real there. make demo-machine
# starts it on this machine; bisc-lab writes how to reach it (a port of loopback, a key, known_hosts) into an ssh_config.
# The plan is the real one; only the data differs.

host "biscayne" {
  platform   = "linux"
  ssh_config = "/run/bisc-machine/ssh_config"
  become     = true

  # An emulated processor on a busy machine has taken more than the usual ten seconds to shake hands.
  connect_timeout = "60s"
  answer_timeout  = "3m" # and more than thirty to answer

  data = {
    pool      = "biscayne"
    zvol      = "biscayne/DATA/volumes/solana"
    zvol_size = "2GiB"
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

    # As on biscayne: a kernel of its own takes what a container's may not.
    sysctls = {
      "net.core.rmem_max"     = "134217728"
      "net.core.rmem_default" = "134217728"
      "net.core.wmem_max"     = "134217728"
      "net.core.wmem_default" = "134217728"
      "vm.max_map_count"      = "1000000"
    }

    held_packages = ["docker.io", "containerd"]

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

      sysctls = { "net.core.netdev_max_backlog" = "16384" }

      live           = false
      max_delay      = "0s"
      min_run        = "0s"
      expected_drops = []
    }
  }
}
