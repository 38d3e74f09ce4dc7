// Package meter tells, from shred headers alone, how complete the blocks are that reach a validator and by which path they came. It needs
// no key, no validator and no RPC.
//
// # Verdicts
//
// A FEC set is full with all 32 data shreds, recoverable with any 32 of its 64, partial with fewer, missing with none. A slot is
// complete (state full or recoverable) when its end is known and every set up to the end is full or recoverable. The end is known by
// the shred with the flag, or by the chain: the first set of a later slot carries the Merkle root of the last set of its parent. A
// slot without any shred is lost when a later one builds on it, skipped when a later one's parent is an earlier slot, else unknown;
// unknown is not taken for skipped. Two roots of one set are an equivocation: counted, and never added up to one set.
//
// A slot is judged 30 s (Config.Expire) after its last shred, once and for all; what comes later is counted late. Verdicts do not depend
// on the order in which paths are read. A lone shred that contradicts its set, or names a slot that no other shred knows of, is
// counted as conflict or stray and changes no verdict.
//
// # Paths
//
// What is distinct on a path is unique, what it repeats is duplicate. When the slot is judged each shred is counted first for the path
// that had it first by the kernel's time stamps, and only where no other path had it. The lead of a path is how much earlier than by
// the reference path a shred came. A path by which no shred has come for 10 s (Config.Silence) is absent, and has no lead: not lead 0.
//
// # The tip
//
// The tip is the highest slot of which all is known that will be: slots whose shreds came less than 2 s (Config.Grace) ago and that are
// not complete yet are still open and lie beyond it. The run is the complete slots that end at the tip without a gap, skipped slots
// stepped over. This is what check-shred-completeness.sh tried to tell, whose run went over lost slots and stopped at each open one.
//
// # GET /report
//
// Report is what it shows; ?slots=N (0 to 4096, default 32) chooses how many of the latest slots, ?sets=1 adds the FEC sets of those
// that are still live. format_version is 1 and grows with each change that is no addition. What is not known is null or absent:
//
//	{"format_version":1, "at":"2026-11-22T05:00:00Z", "seconds":3600.0, "reference":"direct",
//	 "tip":{"known":true, "slot":460000012, "highest":460000013, "age_seconds":0.01, "slots_per_second":5.0, "contiguous":true,
//	   "run":{"first_slot":460000000, "last_slot":460000012, "slots":12, "skipped":1, "seconds":2.4},
//	   "broken_by":{"slot":459999999, "state":"partial"}},
//	 "paths":[{"name":"relay", "present":true, "age_seconds":0.01, "packets":419, "shreds":419, "unique":419, "duplicate":0, "first":244,
//	   "only":154, "resigned":42, "late":0, "stray":0, "conflicts":0, "complete_alone":1, "refused":{"short":1},
//	   "lead":{"samples":265, "min_seconds":-0.037, "p10_seconds":-0.02, "p50_seconds":-0.007, "p90_seconds":0.01, "max_seconds":0.021}}],
//	 "totals":{"slots":{"full":3, "recoverable":6, "partial":3, "lost":0, "skipped":1, "unknown":0},
//	   "sets":{"full":26, "recoverable":27, "partial":2, "missing":1}, "equivocations":1, "conflicts":0, "stray_slots":0, "evicted_slots":0},
//	 "slots":[{"slot":460000012, "state":"full", "complete":true, "parent":460000011, "last_index":127, "last_index_by_chain":null,
//	   "sets":{"full":4, "recoverable":0, "partial":0, "missing":0}, "data":128, "code":128, "complete_after_seconds":0.2, "age_seconds":1.0}],
//	 "marks":[{"name":"relay on", "at":"2026-11-22T04:50:00Z",
//	   "before":{"seconds":600, "settled":true, "complete":0.63, "slots_per_second":5.0, "slots":{...}, "sets":{...},
//	     "paths":[{"name":"direct", "shreds_per_second":4700, "unique":2820000, "duplicate":0, "first":2820000, "only":2820000,
//	       "complete_alone":1890, "mean_lead_seconds":null}]},
//	   "after":{...}}]}
//
// "lead" is null for the reference, and where one of the two paths is absent. "state" of a slot is also "open".
//
// # Marks
//
// A mark parts what came before a moment from what came after it: totals are kept in bins of 10 s by the time of a slot's first shred,
// and each side of a mark adds up 15 minutes of them (Config.Span) of watched time. Marks and bins outlive the daemon by Save and Load.
package meter
