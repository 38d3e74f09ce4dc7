# The lab's stand-in for biscayne: a host with systemd that make demo starts on this machine. bisc-lab writes how to reach
# it (a port of loopback, a key, known_hosts) into an ssh_config. The plan is the real one; only the data differs.

host "biscayne" {
  platform   = "linux"
  ssh_config = "/run/bisc-demo/ssh_config"
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
  }
}
