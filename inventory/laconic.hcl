# The real hosts. Facts and their sources: reference/biscayne.md section 9. Values that no source gives are marked.

host "abernathy" {
  platform  = "linux"
  address   = "abernathy.ch2.vaasl.io"
  user      = "rix"
  jump_only = true
}

host "biscayne" {
  platform = "linux"
  address  = "biscayne.vaasl.io"
  user     = "rix"
  become   = true
  via      = host.abernathy

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
  }
}

host "was-sw01" {
  platform = "eos"
  address  = "137.239.200.198" # Management1
  user     = "install"
  become   = true # enable
}

host "mia-sw01" {
  platform = "eos"
  # The old inventory's address is Ethernet1/1, 209.42.167.133; the seeds name Management1, 209.42.167.130. The
  # inventory's was the one in use.
  address = "209.42.167.133"
  user    = "install"
  become  = true # enable
}

host "dfw-sw01" {
  platform = "eos"
  address  = "laconic-dfw-sw01" # in no source but by this name: give it a HostName in ~/.ssh/config
  user     = "install"
  become   = true # enable
}
