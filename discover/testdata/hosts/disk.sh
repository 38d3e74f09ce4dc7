# A disk that is no zvol. Its node is made anew at each boot; bisc-lab keeps the data.
cat >/usr/local/sbin/lab-vdb <<'PROGRAM'
#!/usr/bin/python3
import json, os, socket
s = socket.socket(socket.AF_UNIX)
s.connect("\0bisc-lab")
s.sendall(json.dumps({"op": "loop-open", "name": "vdb", "size": 1 << 30}).encode())
at = json.loads(s.makefile().readline())
os.mknod("/dev/vdb", 0o60660, os.makedev(at["major"], at.get("minor", 0)))
PROGRAM
chmod 755 /usr/local/sbin/lab-vdb
cat >/etc/systemd/system/lab-vdb.service <<'UNIT'
[Unit]
DefaultDependencies=no
Before=srv-solana.mount
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/local/sbin/lab-vdb
[Install]
WantedBy=local-fs.target
UNIT
systemctl enable --now lab-vdb.service
