# What the daemons replace: takes the packets that socat sends, cuts the IP and UDP headers off, sends the rest on.
import socket
import sys

listen, address, port = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
inside = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
inside.bind(("0.0.0.0", listen))
outside = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
while True:
    packet = inside.recv(65535)
    if len(packet) >= 28 and packet[0] >> 4 == 4 and packet[9] == 17:
        outside.sendto(packet[(packet[0] & 15) * 4 + 8:], (address, port))
