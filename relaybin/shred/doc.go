// Package shred reads shreds: the packets in which a Solana leader's block travels. It knows their headers, the layout of their
// tail, the geometry of their FEC sets and their Merkle root, and the rules by which validators throw shreds away. It needs no key
// and keeps no state but the filter's idea of the tip.
//
// A shred is the payload of a UDP datagram. All numbers in it are little endian. Offsets are from its start:
//
//	0   signature, 64 bytes: by the slot's leader, over the Merkle root
//	64  variant, 1 byte      65 slot, u64      73 index, u32      77 shred version, u16      79 FEC set index, u32
//	83  data: parent offset u16, flags u8, size u16, from 88 the data
//	83  code: number of data shreds u16, of coding shreds u16, position u16, from 89 the erasure shard
//
// and from the end of its legal size backwards: the retransmitter's signature (64, resigned shreds only), the Merkle proof (20
// bytes an entry), the chained root (32). Bytes after the legal size (a repair response's nonce) are ignored, as Agave does.
// Source: agave v4.2.1 ledger/src/shred/{common,payload,merkle,shred_data,wire,filter}.rs, SIMD-0317, 0337 and 0504.
package shred
